package sharevm.translator;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;
import sharevm.cpu.CpuFeature;
import sharevm.host.ExecutableMemory;
import sharevm.host.HostException;
import sharevm.translator.Assembler.Code;
import sharevm.translator.Tuning.Means;

/** Whether the host's processor has every instruction that translations are copied from. */
final class HostProcessor {
  private static final List<CpuFeature> WANTED =
      List.of(
          CpuFeature.SSE3,
          CpuFeature.PCLMULQDQ,
          CpuFeature.SSSE3,
          CpuFeature.CX16,
          CpuFeature.SSE41,
          CpuFeature.SSE42,
          CpuFeature.MOVBE,
          CpuFeature.POPCNT,
          CpuFeature.AES);

  /** BMI1, to which BEXTR belongs: CPUID leaf 7, EBX (Intel SDM Vol. 2A CPUID, table 3-8). */
  private static final int BMI1 = 1 << 3;

  /** The host's system allows XSAVE: leaf 1, ECX (table 3-10). */
  private static final int OSXSAVE = 1 << 27;

  private HostProcessor() {}

  /**
   * Returns what the host's processor lacks, or nothing when it will do.
   *
   * @throws HostException when the host lets no code be made
   */
  static Optional<String> lacks() throws HostException {
    int features = cpuid(1, Assembler.RCX);
    return WANTED.stream()
        .filter(feature -> !feature.isInLeaf1Ecx(features))
        .map(CpuFeature::name)
        .findFirst();
  }

  /**
   * Returns the same without what the host's processor cannot do.
   *
   * @throws HostException when the host lets no code be made
   */
  static Tuning suit(Tuning tuning) throws HostException {
    boolean bitFields = cpuid(0, Assembler.RAX) >= 7 && (cpuid(7, Assembler.RBX) & BMI1) != 0;
    boolean saves = (cpuid(1, Assembler.RCX) & OSXSAVE) != 0;
    Tuning suited = bitFields ? tuning : tuning.without(Means.BITFIELDS);
    return saves ? suited : suited.without(Means.X87);
  }

  /** Returns what CPUID leaves in a register for a leaf, and 0 for its sub-leaf. */
  private static int cpuid(int leaf, int register) throws HostException {
    Assembler a = new Assembler();
    a.inOpcode(Code.of(0x50), Assembler.RBX);
    a.constant(Assembler.RAX, leaf);
    a.constant(Assembler.RCX, 0);
    a.byte1(0x0f);
    a.byte1(0xa2);
    a.registers(Code.of(0x89), register, Assembler.RAX);
    a.inOpcode(Code.of(0x58), Assembler.RBX);
    a.byte1(0xc3);
    try (ExecutableMemory memory = ExecutableMemory.allocate(4096)) {
      byte[] code = a.bytes();
      MemorySegment.copy(code, 0, memory.writable(), ValueLayout.JAVA_BYTE, 0, code.length);
      return (int) memory.call(0, 0, 0);
    }
  }
}
