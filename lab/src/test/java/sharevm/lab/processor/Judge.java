package sharevm.lab.processor;

import java.util.List;
import java.util.Set;
import sharevm.cpu.opcode.Opcode;

/**
 * Judges what our processor makes of cases by what the host's made of them.
 *
 * <p>Between a case and its instruction an interrupt may come to the host, and its kernel or
 * hypervisor may change the state by it. So a case in which the processors differ is given to the
 * host again, alone: what its processor does it does each time, and an interrupt hardly comes twice
 * to the same place.
 */
final class Judge {
  private final UndefinedResults undefined = UndefinedResults.load();
  private final HostProcessor host;
  private final HostKind kind;
  private final InterpreterProcessor ours;
  private long compared;
  private long basesLeftOut;
  private long disturbed;

  /**
   * What both processors made of a case.
   *
   * @param leftOut the places that were not compared
   * @param differences the places in which they differ
   */
  record Verdict(
      CpuOutcome natively, CpuOutcome interpreted, Set<String> leftOut, List<String> differences) {}

  Judge(HostProcessor host, InterpreterProcessor ours) {
    this.host = host;
    this.ours = ours;
    kind = HostKind.of(host);
    ours.lookLike(kind);
  }

  HostKind kind() {
    return kind;
  }

  /** Cases that were compared, were it in a part of their state only. */
  long compared() {
    return compared;
  }

  /** Cases in which the base of GS was not compared. */
  long basesLeftOut() {
    return basesLeftOut;
  }

  /** Cases of which the host made the same as ours only when it was asked again. */
  long disturbed() {
    return disturbed;
  }

  /** Returns whether nothing of a row can be compared. */
  boolean leavesOut(Opcode row) {
    return undefined.whyLeftOut(row) != null;
  }

  /** Carries out a case on our processor, and compares it with what the host made of it. */
  Verdict judge(Opcode row, CpuCase input, CpuOutcome natively) {
    CpuOutcome interpreted = ours.run(input);
    Verdict first = compare(row, input, natively, interpreted);
    compared += first.leftOut().contains(UndefinedResults.CASE) ? 0 : 1;
    basesLeftOut += kind.leftOut(interpreted).size();
    if (first.differences().isEmpty()) {
      return first;
    }
    Verdict second = compare(row, input, host.run(List.of(input)).getFirst(), interpreted);
    disturbed += second.differences().isEmpty() ? 1 : 0;
    return second;
  }

  private Verdict compare(Opcode row, CpuCase input, CpuOutcome natively, CpuOutcome interpreted) {
    Set<String> leftOut = undefined.of(row, input, natively, interpreted);
    leftOut.addAll(kind.leftOut(interpreted));
    return new Verdict(
        natively,
        interpreted,
        leftOut,
        Comparison.differences(input, natively, interpreted, leftOut));
  }
}
