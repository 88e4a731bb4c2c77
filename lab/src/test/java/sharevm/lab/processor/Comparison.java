package sharevm.lab.processor;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;

/** Compares what two processors made of a case. Each difference is a name, such as {@code RAX}. */
final class Comparison {
  static final String[] REGISTERS = {
    "RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
    "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15"
  };

  static final String[] SEGMENTS = {"ES", "CS", "SS", "DS", "FS", "GS"};

  /** Flags by bit number. */
  static final String[] FLAGS = new String[22];

  static {
    FLAGS[0] = "CF";
    FLAGS[2] = "PF";
    FLAGS[4] = "AF";
    FLAGS[6] = "ZF";
    FLAGS[7] = "SF";
    FLAGS[8] = "TF";
    FLAGS[10] = "DF";
    FLAGS[11] = "OF";
    FLAGS[14] = "NT";
    FLAGS[16] = "RF";
    FLAGS[18] = "AC";
    FLAGS[21] = "ID";
  }

  /** Two results may each be 1.5 times 2 to the -12 away from the true one. */
  private static final float TWICE_APPROXIMATE = 3f / 4096;

  /**
   * What one processor takes for tiny and flushes to zero may be the smallest normal number for
   * another.
   */
  private static final float ABOUT_TINY = Float.MIN_NORMAL * 1.001f;

  /** Two results may each be one unit in the last place away from the true one. */
  private static final int LAST_BITS = 2;

  /** C1, PE and what follows from PE in the x87 status word: ES and B. */
  private static final long ROUNDING_STATUS = 0x82a0;

  /** TOP in the x87 status word. */
  private static final long TOP = 0x3800;

  private final Mode mode;
  private final List<String> differences = new ArrayList<>();

  private Comparison(Mode mode) {
    this.mode = mode;
  }

  /** Returns the names of all places at which two outcomes differ and that are not left out. */
  static List<String> differences(
      CpuCase input, CpuOutcome host, CpuOutcome ours, Set<String> leftOut) {
    if (leftOut.contains(UndefinedResults.CASE)) {
      return List.of();
    }
    Comparison comparison = new Comparison(input.mode());
    comparison.compare(host, ours);
    if (leftOut.contains("approximately")) {
      comparison.differences.removeIf(name -> near(name, host.state(), ours.state()));
    }
    if (leftOut.contains("last-bits")) {
      comparison.differences.removeIf(name -> lastBits(name, host.state(), ours.state()));
    }
    comparison.differences.removeIf(
        name ->
            leftOut.contains("high-" + name) && clearedAbove(name, host.state(), ours.state())
                || leftOut.contains("nan4-" + name) && otherNans(name, 4, host, ours)
                || leftOut.contains("nan8-" + name) && otherNans(name, 8, host, ours));
    if (leftOut.contains("TOP")) {
      comparison.differences.removeIf(name -> turned(name, host.state(), ours.state()));
    }
    comparison.memory(input, host, ours, leftOut);
    comparison.differences.removeIf(leftOut::contains);
    return comparison.differences;
  }

  private void compare(CpuOutcome host, CpuOutcome ours) {
    same("vector", host.vector(), ours.vector());
    same("error", host.errorCode(), ours.errorCode());
    same("CR2", host.cr2() & mode.mask(), ours.cr2() & mode.mask());
    ProcessorState a = host.state();
    ProcessorState b = ours.state();
    for (int n = 0; n < mode.registers(); n++) {
      same(REGISTERS[n], a.gpr[n] & mode.mask(), b.gpr[n] & mode.mask());
    }
    same("RIP", a.rip & mode.mask(), b.rip & mode.mask());
    for (int bit = 0; bit < FLAGS.length; bit++) {
      if (FLAGS[bit] != null) {
        same(FLAGS[bit], a.rflags >> bit & 1, b.rflags >> bit & 1);
      }
    }
    for (int n = 0; n < 6; n++) {
      same(SEGMENTS[n], loaded(a.selectors[n]), loaded(b.selectors[n]));
    }
    same("FSBASE", a.fsBase & mode.mask(), b.fsBase & mode.mask());
    same("GSBASE", a.gsBase & mode.mask(), b.gsBase & mode.mask());
    same("FCW", a.fx(ProcessorState.FX_FCW, 2), b.fx(ProcessorState.FX_FCW, 2));
    same("FSW", a.fx(ProcessorState.FX_FSW, 2), b.fx(ProcessorState.FX_FSW, 2));
    same("FTW", a.fx(ProcessorState.FX_FTW, 1), b.fx(ProcessorState.FX_FTW, 1));
    same("MXCSR", a.fx(ProcessorState.FX_MXCSR, 4), b.fx(ProcessorState.FX_MXCSR, 4));
    for (int n = 0; n < 8; n++) {
      int at = ProcessorState.FX_ST + 16 * n;
      same("ST" + n, a.fx(at, 8), b.fx(at, 8));
      same("ST" + n, a.fx(at + 8, 2), b.fx(at + 8, 2));
    }
    for (int n = 0; n < mode.registers(); n++) {
      int at = ProcessorState.FX_XMM + 16 * n;
      same("XMM" + n, a.fx(at, 8), b.fx(at, 8));
      same("XMM" + n, a.fx(at + 8, 8), b.fx(at + 8, 8));
    }
  }

  /**
   * A null selector of any privilege level: the kernel's IRET to the host's program makes 0 of it.
   */
  private static int loaded(int selector) {
    return selector < 4 ? 0 : selector;
  }

  /**
   * {@code memory} leaves all out, {@code stack+2} the byte that is 2 behind the new top of the
   * stack, {@code operand+28} one behind the start of the memory operand.
   */
  private void memory(CpuCase input, CpuOutcome host, CpuOutcome ours, Set<String> leftOut) {
    if (leftOut.contains("memory") || host.memory().equals(ours.memory())) {
      return;
    }
    TreeSet<Integer> offsets = new TreeSet<>(host.memory().keySet());
    offsets.addAll(ours.memory().keySet());
    offsets.removeIf(
        offset -> Objects.equals(host.memory().get(offset), ours.memory().get(offset)));
    long top = host.state().gpr[4] & mode.mask();
    offsets.removeIf(
        offset -> {
          long address = HostLayout.addressOf(offset);
          return leftOut.contains("stack+" + (address - top))
              || leftOut.contains("operand+" + (address - input.operand()));
        });
    if (!offsets.isEmpty()) {
      differences.add("memory");
    }
  }

  /**
   * Whether all singles of an XMM register are as near as RCPPS promises (Intel SDM Vol. 2B RCPPS).
   */
  private static boolean near(String name, ProcessorState host, ProcessorState ours) {
    if (!name.startsWith("XMM")) {
      return false;
    }
    int at = ProcessorState.FX_XMM + 16 * Integer.parseInt(name.substring(3));
    for (int i = 0; i < 16; i += 4) {
      float a = Float.intBitsToFloat((int) host.fx(at + i, 4));
      float b = Float.intBitsToFloat((int) ours.fx(at + i, 4));
      if (Float.floatToRawIntBits(a) != Float.floatToRawIntBits(b)
          && !(Math.abs(a - b) <= Math.abs(a) * TWICE_APPROXIMATE)
          && !(Math.abs(a) <= ABOUT_TINY && Math.abs(b) <= ABOUT_TINY)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Whether an x87 register differs in its last bits only, and the status word by C1 and
   * inexactness.
   */
  private static boolean lastBits(String name, ProcessorState host, ProcessorState ours) {
    if (name.equals("FSW")) {
      long differing = host.fx(ProcessorState.FX_FSW, 2) ^ ours.fx(ProcessorState.FX_FSW, 2);
      return (differing & ~ROUNDING_STATUS) == 0;
    }
    if (!name.startsWith("ST")) {
      return false;
    }
    int at = ProcessorState.FX_ST + 16 * Integer.parseInt(name.substring(2));
    long exponents = host.fx(at + 8, 2) - ours.fx(at + 8, 2);
    long difference = host.fx(at, 8) - ours.fx(at, 8);
    return exponents == 0 && Math.abs(difference) <= LAST_BITS
        || Math.abs(exponents) == 1 && Math.abs(difference - (exponents << 63)) <= LAST_BITS;
  }

  /** Whether a general register differs by its upper half only, which the host has cleared. */
  private static boolean clearedAbove(String name, ProcessorState host, ProcessorState ours) {
    int n = List.of(REGISTERS).indexOf(name);
    return n >= 0 && host.gpr[n] == (ours.gpr[n] & 0xffff_ffffL);
  }

  /** Whether all elements that differ in an XMM register are NaNs in both. */
  private static boolean otherNans(String name, int size, CpuOutcome host, CpuOutcome ours) {
    int at = ProcessorState.FX_XMM + 16 * Integer.parseInt(name.substring(3));
    for (int i = at; i < at + 16; i += size) {
      long a = host.state().fx(i, size);
      long b = ours.state().fx(i, size);
      if (a != b && !(isNan(a, size) && isNan(b, size))) {
        return false;
      }
    }
    return true;
  }

  private static boolean isNan(long bits, int size) {
    return size == 4
        ? Float.isNaN(Float.intBitsToFloat((int) bits))
        : Double.isNaN(Double.longBitsToDouble(bits));
  }

  /**
   * Whether x87 registers differ only because the host's TOP is 0: then the same physical ones are
   * the same.
   */
  private static boolean turned(String name, ProcessorState host, ProcessorState ours) {
    long status = host.fx(ProcessorState.FX_FSW, 2);
    long differing = status ^ ours.fx(ProcessorState.FX_FSW, 2);
    if ((status & TOP) != 0) {
      return false;
    }
    if (name.equals("FSW")) {
      return (differing & ~TOP) == 0;
    }
    if (!name.startsWith("ST")) {
      return false;
    }
    int top = (int) (ours.fx(ProcessorState.FX_FSW, 2) >> 11 & 7);
    int n = name.charAt(2) - '0';
    int at = ProcessorState.FX_ST + 16 * n;
    int same = ProcessorState.FX_ST + 16 * ((n - top) & 7);
    return host.fx(at, 8) == ours.fx(same, 8) && host.fx(at + 8, 2) == ours.fx(same + 8, 2);
  }

  private void same(String name, long host, long ours) {
    if (host != ours && !differences.contains(name)) {
      differences.add(name);
    }
  }
}
