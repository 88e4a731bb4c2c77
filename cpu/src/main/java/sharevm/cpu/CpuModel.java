package sharevm.cpu;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** A named processor: what CPUID says of it, and which features it has. Immutable. */
public final class CpuModel {
  /**
   * Bits of IA32_ARCH_CAPABILITIES (Intel SDM Vol. 4 table 2-2, 10AH): the flaws that this
   * processor has not.
   */
  private static final long NO_KNOWN_FLAWS =
      1 // RDCL_NO: no Meltdown, no L1TF
          | 1 << 3 // SKIP_L1DFL_VMENTRY
          | 1 << 4 // SSB_NO
          | 1 << 5 // MDS_NO
          | 1 << 6 // IF_PSCHANGE_MC_NO
          | 1 << 8 // TAA_NO
          | 1 << 13 // SBDR_SSDP_NO
          | 1 << 14 // FBSDP_NO
          | 1 << 15 // PSDP_NO
          | 1 << 20 // BHI_NO
          | 1 << 24 // PBRSB_NO
          | 1 << 26 // GDS_NO
          | 1 << 27; // RFDS_NO

  /** CPUID.05H:ECX: there are extensions; masked interrupts may end MWAIT. */
  private static final int MWAIT_EXTENSIONS = 3;

  private static final String INTEL = "GenuineIntel";
  private static final String AMD = "AuthenticAMD";

  private final String name;
  private final String vendor;
  private final String brand;
  private final int signature;
  private final int highestLeaf;
  private final Set<CpuFeature> features;
  private final int number;
  private final int count;
  private final long timestampHz;
  private final long crystalHz;

  private CpuModel(
      String name,
      String vendor,
      String brand,
      int signature,
      int highestLeaf,
      Set<CpuFeature> features) {
    this.name = name;
    this.vendor = vendor;
    this.brand = brand;
    this.signature = signature;
    this.highestLeaf = highestLeaf;
    this.features = features;
    this.number = 0;
    this.count = 1;
    this.timestampHz = 0;
    this.crystalHz = 0;
  }

  private CpuModel(CpuModel of, int number, int count, long timestampHz, long crystalHz) {
    this.name = of.name;
    this.vendor = of.vendor;
    this.brand = of.brand;
    this.signature = of.signature;
    this.highestLeaf = of.highestLeaf;
    this.features = of.features;
    this.number = number;
    this.count = count;
    this.timestampHz = timestampHz;
    this.crystalHz = crystalHz;
  }

  /** Returns the model that is used when none is asked for. */
  public static CpuModel standard() {
    return named("standard");
  }

  /** Returns all models' names, the standard one first. */
  public static List<String> names() {
    List<String> names = new ArrayList<>();
    for (CpuModel model : all()) {
      names.add(model.name);
    }
    return names;
  }

  /**
   * Returns a model by name.
   *
   * @throws IllegalArgumentException if there is none; its message names those that there are
   */
  public static CpuModel named(String name) {
    for (CpuModel model : all()) {
      if (model.name.equals(name)) {
        return model;
      }
    }
    throw new IllegalArgumentException(
        "no processor model \"" + name + "\"; there are " + String.join(", ", names()));
  }

  /**
   * The models. The standard one says that it is an Atom of the in-order generation (family 6,
   * model 36H): its features are of level x86-64-v2 and more, but guests know that it does not
   * speculate. In the table by which Linux (since 4.15, {@code cpu_vuln_whitelist} in
   * arch/x86/kernel/cpu/common.c) chooses mitigations, that model stands for "no speculation":
   * neither page table isolation nor retpolines, nor any later mitigation. IA32_ARCH_CAPABILITIES
   * tells the same to guests that ask there. Controls of speculation (SPEC_CTRL) are not offered: a
   * guest that finds them uses them.
   */
  private static List<CpuModel> all() {
    Set<CpuFeature> pentium =
        EnumSet.of(
            CpuFeature.FPU,
            CpuFeature.VME,
            CpuFeature.DE,
            CpuFeature.PSE,
            CpuFeature.TSC,
            CpuFeature.MSR,
            CpuFeature.MCE,
            CpuFeature.CX8,
            CpuFeature.APIC,
            CpuFeature.MMX);
    Set<CpuFeature> pentium3 = EnumSet.range(CpuFeature.FPU, CpuFeature.SSE);
    pentium3.remove(CpuFeature.CLFLUSH);
    Set<CpuFeature> amd64 = EnumSet.range(CpuFeature.FPU, CpuFeature.SSE2);
    amd64.addAll(
        EnumSet.of(
            CpuFeature.SSE3,
            CpuFeature.CX16,
            CpuFeature.HYPERVISOR,
            CpuFeature.LAHF64,
            CpuFeature.SYSCALL,
            CpuFeature.NX,
            CpuFeature.RDTSCP,
            CpuFeature.LONG_MODE,
            CpuFeature.INVARIANT_TSC));
    Set<CpuFeature> standard = EnumSet.allOf(CpuFeature.class);
    standard.removeAll(EnumSet.of(CpuFeature.SPEC_CTRL, CpuFeature.STIBP, CpuFeature.SSBD));
    return List.of(
        new CpuModel("standard", INTEL, "ShareVM Virtual Processor", 0x0003_0661, 0x16, standard),
        new CpuModel("amd64", AMD, "ShareVM Virtual Processor AMD64", 0x0004_0f32, 1, amd64),
        new CpuModel("pentium3", INTEL, "ShareVM Virtual Processor P3", 0x0683, 2, pentium3),
        new CpuModel("pentium", INTEL, "ShareVM Virtual Processor P5", 0x0543, 1, pentium),
        new CpuModel(
            "486",
            INTEL,
            "ShareVM Virtual Processor 486",
            0x0480,
            1,
            EnumSet.of(CpuFeature.FPU, CpuFeature.VME)));
  }

  /**
   * Returns this model as processor {@code number} (its APIC ID) of {@code count} in one package.
   */
  public CpuModel at(int number, int count) {
    return new CpuModel(this, number, count, timestampHz, crystalHz);
  }

  /**
   * Returns this model with known clocks, so that guests need not measure them.
   *
   * @param timestampHz how fast the timestamp counter counts, in Hz
   * @param crystalHz what the local APIC's timer counts before its divider, in Hz
   */
  public CpuModel withClocks(long timestampHz, long crystalHz) {
    return new CpuModel(this, number, count, timestampHz, crystalHz);
  }

  /** Returns the model's name. */
  public String name() {
    return name;
  }

  /** Returns family, model and stepping as CPUID.01H:EAX and EDX after reset have them. */
  public int signature() {
    return signature;
  }

  /** Returns whether the processor has a feature. */
  public boolean has(CpuFeature feature) {
    return features.contains(feature);
  }

  /** Returns whether AMD's rules hold where the vendors differ. */
  public boolean isAmd() {
    return vendor.equals(AMD);
  }

  /** Returns IA32_ARCH_CAPABILITIES. */
  public long archCapabilities() {
    return NO_KNOWN_FLAWS;
  }

  /** Returns how fast the timestamp counter counts in Hz, or 0 if that is not known. */
  public long timestampHz() {
    return timestampHz;
  }

  /** Returns the bits of CR4 that may be set (Intel SDM Vol. 3A 2.5). */
  public long cr4() {
    long bits = 0;
    bits |= has(CpuFeature.VME) ? Control.CR4_VME | Control.CR4_PVI : 0;
    bits |= has(CpuFeature.TSC) ? Control.CR4_TSD : 0;
    bits |= has(CpuFeature.DE) ? Control.CR4_DE : 0;
    bits |= has(CpuFeature.PSE) ? Control.CR4_PSE : 0;
    bits |= has(CpuFeature.PAE) ? Control.CR4_PAE : 0;
    bits |= has(CpuFeature.MCE) ? Control.CR4_MCE : 0;
    bits |= has(CpuFeature.PGE) ? Control.CR4_PGE : 0;
    bits |= has(CpuFeature.CMOV) ? Control.CR4_PCE : 0;
    bits |= has(CpuFeature.FXSR) ? Control.CR4_OSFXSR : 0;
    bits |= has(CpuFeature.SSE) ? Control.CR4_OSXMMEXCPT : 0;
    bits |= has(CpuFeature.UMIP) ? Control.CR4_UMIP : 0;
    bits |= has(CpuFeature.FSGSBASE) ? Control.CR4_FSGSBASE : 0;
    bits |= has(CpuFeature.PCID) ? Control.CR4_PCIDE : 0;
    bits |= has(CpuFeature.XSAVE) ? Control.CR4_OSXSAVE : 0;
    bits |= has(CpuFeature.SMEP) ? Control.CR4_SMEP : 0;
    bits |= has(CpuFeature.SMAP) ? Control.CR4_SMAP : 0;
    return bits;
  }

  /** Returns the bits of EFER that may be set. */
  public long efer() {
    return (has(CpuFeature.SYSCALL) ? Control.EFER_SCE : 0)
        | (has(CpuFeature.LONG_MODE) ? Control.EFER_LME | Control.EFER_LMA : 0)
        | (has(CpuFeature.NX) ? Control.EFER_NXE : 0);
  }

  /**
   * Returns EAX, EBX, ECX and EDX of a CPUID leaf (Intel SDM Vol. 2A CPUID). Bits that follow CR4
   * are given as off.
   *
   * @param xcr0 the enabled state components, for leaf 0DH
   */
  int[] cpuid(int leaf, int subleaf, long xcr0) {
    if (leaf < 0) {
      return extended(leaf);
    }
    int basic = leaf;
    if (leaf > highestLeaf) {
      if (isAmd()) {
        return new int[4];
      }
      basic = highestLeaf;
    }
    return switch (basic) {
      case 0 -> new int[] {highestLeaf, word(vendor, 0), word(vendor, 8), word(vendor, 4)};
      case 1 -> identity();
      case 2 -> new int[] {0xff01, 0, 0, 0};
      case 4 -> cache(subleaf);
      case 5 -> monitor();
      case 6 -> new int[] {bits(CpuFeature.Word.LEAF_6_EAX), 0, 0, 0};
      case 7 -> structured(subleaf);
      case 0xb -> topology(subleaf);
      case 0xd -> saveArea(subleaf, xcr0);
      case 0x15 -> clockRatio();
      case 0x16 -> frequencies();
      default -> new int[4];
    };
  }

  private int[] extended(int leaf) {
    boolean has64 = has(CpuFeature.LONG_MODE);
    int highest = has64 ? 0x8000_0008 : 0x8000_0004;
    if (signature < 0x600 || leaf > highest) {
      return new int[4];
    }
    return switch (leaf) {
      case 0x8000_0000 ->
          isAmd()
              ? new int[] {highest, word(vendor, 0), word(vendor, 8), word(vendor, 4)}
              : new int[] {highest, 0, 0, 0};
      case 0x8000_0001 -> extendedIdentity();
      case 0x8000_0002, 0x8000_0003, 0x8000_0004 -> brand(leaf - 0x8000_0002);
      case 0x8000_0006 -> new int[] {0, 0, 512 << 16 | 6 << 12 | 64, 0};
      case 0x8000_0007 -> new int[] {0, 0, 0, bits(CpuFeature.Word.EXTENDED_7_EDX)};
      case 0x8000_0008 -> new int[] {48 << 8 | 40, 0, isAmd() ? count - 1 : 0, 0};
      default -> new int[4];
    };
  }

  /** AMD repeats most of leaf 1's EDX (AMD64 manual Vol. 3 E.4.2). */
  private int[] extendedIdentity() {
    int edx = bits(CpuFeature.Word.EXTENDED_1_EDX);
    if (isAmd()) {
      edx |= bits(CpuFeature.Word.LEAF_1_EDX) & 0x0183_f3ff;
    }
    return new int[] {isAmd() ? signature : 0, 0, bits(CpuFeature.Word.EXTENDED_1_ECX), edx};
  }

  private int[] identity() {
    int threads = count > 1 ? 1 << 28 : 0;
    int ebx = number << 24 | count << 16 | (has(CpuFeature.CLFLUSH) ? 8 << 8 : 0);
    return new int[] {
      signature, ebx, bits(CpuFeature.Word.LEAF_1_ECX), bits(CpuFeature.Word.LEAF_1_EDX) | threads
    };
  }

  /** How many bits of an APIC ID tell processors of the package apart. */
  private int numberBits() {
    return 32 - Integer.numberOfLeadingZeros(count - 1);
  }

  /** Two first-level caches of 32 KiB and a second-level one of 512 KiB, each processor's own. */
  private int[] cache(int subleaf) {
    int cores = (1 << numberBits()) - 1 << 26;
    int ways = 8 - 1 << 22;
    int line = 64 - 1;
    return switch (subleaf) {
      case 0 -> new int[] {cores | 1 << 8 | 1 << 5 | 1, ways | line, 64 - 1, 0};
      case 1 -> new int[] {cores | 1 << 8 | 1 << 5 | 2, ways | line, 64 - 1, 0};
      case 2 -> new int[] {cores | 1 << 8 | 2 << 5 | 3, ways | line, 1024 - 1, 0};
      default -> new int[4];
    };
  }

  /**
   * The line that MONITOR watches, and that MWAIT has its extensions. There are no C-states: guests
   * that look for them wait with HLT.
   */
  private int[] monitor() {
    return has(CpuFeature.MONITOR)
        ? new int[] {Monitor.LINE, Monitor.LINE, MWAIT_EXTENSIONS, 0}
        : new int[4];
  }

  private int[] structured(int subleaf) {
    return subleaf != 0
        ? new int[4]
        : new int[] {
          0,
          bits(CpuFeature.Word.LEAF_7_EBX),
          bits(CpuFeature.Word.LEAF_7_ECX),
          bits(CpuFeature.Word.LEAF_7_EDX)
        };
  }

  /** One thread to a core, all cores in one package. */
  private int[] topology(int subleaf) {
    return switch (subleaf) {
      case 0 -> new int[] {0, 1, 1 << 8, number};
      case 1 -> new int[] {numberBits(), count, 2 << 8 | 1, number};
      default -> new int[] {0, 0, subleaf & 0xff, number};
    };
  }

  /**
   * Legacy area and header, 576 bytes; no component lies behind them (Intel SDM Vol. 1 13.4). There
   * are XSAVEOPT and XSAVEC, but not XSAVES (13.2).
   */
  private int[] saveArea(int subleaf, long xcr0) {
    if (xcr0 == 0 || subleaf > 1 || subleaf < 0) {
      return new int[4];
    }
    return subleaf == 0 ? new int[] {3, 576, 576, 0} : new int[] {3, 576, 0, 0};
  }

  private int[] clockRatio() {
    if (timestampHz == 0 || crystalHz == 0) {
      return new int[4];
    }
    long divisor = gcd(timestampHz, crystalHz);
    return new int[] {
      (int) (crystalHz / divisor), (int) (timestampHz / divisor), (int) crystalHz, 0
    };
  }

  private static long gcd(long a, long b) {
    return b == 0 ? a : gcd(b, a % b);
  }

  private int[] frequencies() {
    int megahertz = (int) (timestampHz / 1_000_000);
    return new int[] {megahertz, megahertz, (int) (crystalHz / 1_000_000), 0};
  }

  private int[] brand(int part) {
    String text = brand + "\0".repeat(48 - brand.length());
    int at = part * 16;
    return new int[] {word(text, at), word(text, at + 4), word(text, at + 8), word(text, at + 12)};
  }

  private static int word(String text, int at) {
    byte[] b = text.getBytes(StandardCharsets.US_ASCII);
    return b[at] & 0xff | (b[at + 1] & 0xff) << 8 | (b[at + 2] & 0xff) << 16 | b[at + 3] << 24;
  }

  private int bits(CpuFeature.Word word) {
    int bits = 0;
    for (CpuFeature feature : features) {
      bits |= feature.word == word ? 1 << feature.bit : 0;
    }
    return bits;
  }
}
