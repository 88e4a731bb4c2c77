package sharevm.lab.processor;

import sharevm.cpu.opcode.Opcode;

/** The conditions that {@code undefined.txt} names. */
final class Conditions {
  private static final int ZF = 0x40;
  private static final boolean INTEL_HOST = HostProcessor.isMadeBy("GenuineIntel");
  private static final boolean AMD_HOST = HostProcessor.isMadeBy("AuthenticAMD");

  private Conditions() {}

  /** Returns whether all of several conditions, separated by blanks, hold for a case. */
  static boolean hold(String names, Opcode row, CpuCase input, CpuOutcome host, CpuOutcome ours) {
    for (String name : names.split(" +", -1)) {
      if (!holds(name, row, input, host, ours)) {
        return false;
      }
    }
    return true;
  }

  private static boolean holds(
      String name, Opcode row, CpuCase input, CpuOutcome host, CpuOutcome ours) {
    Encoding encoding = Encoding.of(row, input);
    return switch (name) {
      case "intel-host" -> INTEL_HOST;
      case "amd-host" -> AMD_HOST;
      case "compatibility" -> input.mode() == Mode.COMPATIBILITY;
      case "long" -> input.mode() == Mode.LONG;
      case "completed" -> host.vector() == CpuOutcome.COMPLETED;
      case "faulted" -> host.vector() != CpuOutcome.COMPLETED;
      case "page-fault" -> host.vector() == 14;
      case "hang" -> host.vector() == HostLayout.VECTOR_HANG;
      case "access-fault" -> host.vector() == 14 || host.vector() == 17;
      case "alignment-fault" -> host.vector() == 17;
      case "st0-over-0.29" -> st0(input) > 0.2928;
      case "locked" -> encoding.has(0xf0);
      case "rex-w" -> (encoding.rex() & 8) != 0;
      case "ours-alignment-fault" -> ours.vector() == 17;
      case "operand-16" -> encoding.has(0x66);
      case "rm-register" -> encoding.rmIsRegister();
      case "host-zf" -> (host.state().rflags & ZF) != 0;
      case "host-not-zf" -> (host.state().rflags & ZF) == 0;
      case "offset-not-canonical" -> offsetNotCanonical(encoding, input, host, ours);
      case "at-4g" -> atFourGigabytes(host, ours);
      case "repeated" -> encoding.has(0xf2) || encoding.has(0xf3);
      case "count-0" -> encoding.shiftCount(input) == 0;
      case "count-not-1" -> encoding.shiftCount(input) != 1;
      case "count-over-size" -> encoding.shiftCount(input) > encoding.operandBits(row);
      case "count-from-size" -> encoding.shiftCount(input) >= encoding.operandBits(row);
      case "host-misaligned-mode" -> (host.state().fx(ProcessorState.FX_MXCSR, 4) & 1 << 17) != 0;
      case "address-32" -> encoding.has(0x67);
      default -> IntelConditions.holds(name, row, input, host, ours);
    };
  }

  /** Returns the size of ST0, which counts as 0 when it is no number. */
  private static double st0(CpuCase input) {
    long significand = input.state().fx(ProcessorState.FX_ST, 8);
    int exponent = (int) input.state().fx(ProcessorState.FX_ST + 8, 2) & 0x7fff;
    return exponent == 0x7fff
        ? 0
        : Math.scalb((double) (significand >>> 1), exponent - 0x3fff - 62);
  }

  /** The host refuses an address in FS or GS that we find canonical, but not mapped. */
  private static boolean offsetNotCanonical(
      Encoding encoding, CpuCase input, CpuOutcome host, CpuOutcome ours) {
    boolean refused = host.vector() == 13 && host.errorCode() == 0 && ours.vector() == 14;
    long fromFs = ours.cr2() - input.state().fsBase;
    long fromGs = ours.cr2() - input.state().gsBase;
    return refused
        && (encoding.has(0x64) && !isCanonical(fromFs)
            || encoding.has(0x65) && !isCanonical(fromGs));
  }

  private static boolean isCanonical(long address) {
    return address << 16 >> 16 == address;
  }

  /** The host sees a limit exceeded where we see the last page of 4 GiB not mapped. */
  private static boolean atFourGigabytes(CpuOutcome host, CpuOutcome ours) {
    boolean limit = host.vector() == 12 || host.vector() == 13;
    return limit && host.errorCode() == 0 && (ours.vector() == 14 || ours.vector() == 17);
  }
}
