package sharevm.lab.processor;

import sharevm.cpu.opcode.Opcode;

/**
 * The conditions of {@code undefined.txt} that are about Intel's processors, each as narrow as what
 * was seen of them.
 */
final class IntelConditions {
  private static final int UNDERFLOW = 0x10;

  /** What an unmasked underflow sets in the x87 status word: UE, ES, B. */
  private static final long UNDERFLOW_STATUS = 0x8090;

  /** ES in the x87 status word. */
  private static final int SUMMARY = 0x80;

  /** What an instruction that only reports an exception changes: the exceptions, SF, ES, C1, B. */
  private static final long REPORTED = 0x82ff;

  /** Page fault error code: the page was present (Intel SDM Vol. 3A 4.7). */
  private static final int PRESENT = 1;

  private IntelConditions() {}

  static boolean holds(String name, Opcode row, CpuCase input, CpuOutcome host, CpuOutcome ours) {
    return switch (name) {
      case "both-refuse" -> host.vector() == 13 && host.errorCode() == 0 && ours.vector() == 13;
      case "limit-at-4g" -> limitAtFourGigabytes(host, ours);
      case "behind-selector" -> behindSelector(row, input, host, ours);
      case "lower-bound" -> host.vector() == 5 && behindFirst(row, input, ours);
      case "reported-later" -> reportedLater(input, host, ours);
      case "denormal-stays" -> denormalStays(input, host, ours);
      case "pause-rex-b" -> {
        Encoding encoding = Encoding.of(row, input);
        boolean pause = encoding.has(0xf3) && (input.code()[encoding.opcodeAt()] & 0xff) == 0x90;
        yield pause && (encoding.rex() & 1) != 0;
      }
      case "names-upper-half" -> namesUpperHalf(Encoding.of(row, input), input, host, ours);
      default -> throw new IllegalStateException("undefined.txt: no condition " + name);
    };
  }

  /** We see a limit exceeded where the host sees that the last page of 4 GiB is not mapped. */
  private static boolean limitAtFourGigabytes(CpuOutcome host, CpuOutcome ours) {
    boolean limit = ours.vector() == 12 || ours.vector() == 13;
    boolean mapped = host.vector() == 14 && host.cr2() >= 0xffff_f000L;
    return limit && ours.errorCode() == 0 && (mapped || host.vector() == 17);
  }

  /**
   * We fault for bytes of a stack's slot that lie behind the selector in it, or POP does for the
   * slot's alignment and the selector is aligned.
   */
  private static boolean behindSelector(
      Opcode row, CpuCase input, CpuOutcome host, CpuOutcome ours) {
    boolean pop = row.mnemonic().equals("POP");
    if (ours.vector() == 17) {
      return pop && host.vector() != 17 && (input.state().gpr[4] & 1) == 0;
    }
    Encoding encoding = Encoding.of(row, input);
    int normal = pop && input.mode() == Mode.LONG ? 8 : 4;
    int slot = (encoding.rex() & 8) != 0 ? 8 : encoding.has(0x66) ? 2 : normal;
    long behind = (ours.cr2() - input.state().gpr[4]) & input.mode().mask();
    long number = behind / slot;
    boolean selector =
        switch (row.mnemonic()) {
          case "POP" -> number == 0;
          case "IRET" -> number == 1 || number == 4; // CS and SS
          default -> number == 1;
        };
    return ours.vector() == 14 && selector && behind % slot >= 2;
  }

  /** We fault for the second half of an operand in memory. */
  private static boolean behindFirst(Opcode row, CpuCase input, CpuOutcome ours) {
    int half = Encoding.of(row, input).operandBits(row) / 8;
    long behind = (ours.cr2() - input.operand()) & input.mode().mask();
    return ours.vector() == 14 && behind >= half && behind < 2L * half;
  }

  /**
   * We fault for memory; the host did not touch it, and completed with an unmasked x87 exception
   * that is pending.
   */
  private static boolean reportedLater(CpuCase input, CpuOutcome host, CpuOutcome ours) {
    long before = input.state().fx(ProcessorState.FX_FSW, 2);
    long after = host.state().fx(ProcessorState.FX_FSW, 2);
    return host.vector() == CpuOutcome.COMPLETED
        && (after & SUMMARY) != 0
        && ((before ^ after) & ~REPORTED) == 0
        && host.memory().isEmpty()
        && (ours.vector() >= 12 && ours.vector() <= 14 || ours.vector() == 17);
  }

  /** ST0 was a denormal and still is; we report that as an underflow, which is not masked. */
  private static boolean denormalStays(CpuCase input, CpuOutcome host, CpuOutcome ours) {
    ProcessorState before = input.state();
    int at = ProcessorState.FX_ST;
    int status = ProcessorState.FX_FSW;
    return (before.fx(ProcessorState.FX_FCW, 2) & UNDERFLOW) == 0
        && (before.fx(at + 8, 2) & 0x7fff) == 0
        && before.fx(at, 8) > 0
        && before.fx(at, 8) == host.state().fx(at, 8)
        && before.fx(at + 8, 2) == host.state().fx(at + 8, 2)
        && (host.state().fx(status, 2) ^ ours.state().fx(status, 2)) == UNDERFLOW_STATUS;
  }

  /**
   * Of an operand of sixteen bytes at RDI the host's CR2 names the ninth, ours one before it. The
   * one's page may be present where the other's is not. The offset wraps at its size.
   */
  private static boolean namesUpperHalf(
      Encoding encoding, CpuCase input, CpuOutcome host, CpuOutcome ours) {
    int bits = encoding.has(0x67) ? input.mode().bits / 2 : input.mode().bits;
    long distance = (host.cr2() - ours.cr2()) << 64 - bits >>> 64 - bits;
    boolean sameAccess = ((host.errorCode() ^ ours.errorCode()) & ~PRESENT) == 0;
    return ours.vector() == 14 && sameAccess && distance >= 1 && distance <= 8;
  }
}
