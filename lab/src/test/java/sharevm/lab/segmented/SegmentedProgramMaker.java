package sharevm.lab.segmented;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongPredicate;
import sharevm.cpu.CpuState;
import sharevm.lab.lockstep.CodeBuffer.Label;
import sharevm.lab.segmented.GuestSegment.Range;

/**
 * Puts random programs together: a loop over random pieces, which sets segment registers, stack and
 * pointers anew each time, then functions and handlers.
 */
final class SegmentedProgramMaker {
  private static final int PROLOGUE = 1;
  private static final int MAIN = 2;
  private static final int CALLED = 3;

  /** Where the main loop's pieces end, from the program's origin. */
  private static final int MOST = 0x1c00;

  private static final int COUNTER = 30;
  private static final int JNZ = 5;

  /** Makes another seed of a program's. */
  private static final long SETTING = 0x5e9_3e27;

  private SegmentedProgramMaker() {}

  /**
   * Makes a program.
   *
   * @param kept which of its pieces, by number, are not left out
   */
  static SegmentedProgram make(SegmentedMode mode, long seed, LongPredicate kept) {
    long mixed = seed + ((long) mode.ordinal() << 32);
    Setting setting = SettingMaker.make(mode, mixed ^ SETTING);
    SplittableRandom random = new SplittableRandom(mixed);
    Emitter emitter = new Emitter(setting);
    Pieces pieces = new Pieces(emitter, kept);
    Calls calls = pieces.calls(random.split());
    emitter.code.seek(setting.origin());
    long recovery = body(pieces, random);
    emitter.code.put(0xcc);
    calls.functions(CALLED, random.split());
    List<Range> islands = new ArrayList<>();
    islands.add(new Range(setting.origin(), emitter.code.here() - 1));
    islands.add(calls.edge(random.split()));
    return new SegmentedProgram(
        setting,
        emitter.code.bytes(),
        islands,
        List.copyOf(emitter.otherCode),
        setting.origin(),
        recovery,
        calls.vectors(),
        calls.wideHandlers(),
        pieces.items(),
        List.copyOf(pieces.patches()));
  }

  /** Emits the program's own part; returns where it goes on after what cannot be skipped. */
  private static long body(Pieces pieces, SplittableRandom random) {
    Emitter emitter = pieces.emitter;
    Setting setting = emitter.setting;
    emitter.storeConstant(COUNTER, random.nextInt(4, 40), emitter.size);
    pieces.root(PROLOGUE, true, true, MOST);
    pieces.some(random.nextInt(1, 4), random.split());
    System.arraycopy(
        setting.usual().toArray(GuestSegment[]::new), 0, pieces.operands.current, 0, 6);
    renew(pieces, random.split());
    Label head = new Label();
    emitter.flags.settle();
    emitter.code.bind(head);
    pieces.root(MAIN, true, false, MOST);
    pieces.some(random.nextInt(12, 50), random.split());
    emitter.flags.settle();
    long recovery = emitter.code.here();
    renew(pieces, random.split());
    emitter.memory(emitter.size, emitter.slot(COUNTER), 5, 0x83); // SUB [slot], 1
    emitter.code.put(1);
    emitter.flags.defined();
    emitter.jumpIf(JNZ, head);
    return recovery;
  }

  /** Loads segment registers, stack pointer and pointers as they mostly are. */
  private static void renew(Pieces pieces, SplittableRandom random) {
    Emitter emitter = pieces.emitter;
    Setting setting = emitter.setting;
    emitter.loadSegment(CpuState.SS, setting.stack());
    emitter.constant(CpuState.RSP, setting.stackTop(), setting.stackSize());
    emitter.code.put(0xfc); // CLD
    for (int n = CpuState.ES; n <= CpuState.GS; n++) {
      if (n != CpuState.CS && n != CpuState.SS) {
        emitter.loadSegment(n, setting.usual().get(n));
      }
    }
    pieces.operands.resetPointers(random);
  }
}
