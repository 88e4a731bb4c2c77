package sharevm.lab.segmented;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.lab.lockstep.CodeBuffer.Label;
import sharevm.lab.segmented.GuestSegment.Range;

/** What programs call, and the many ways to do so. */
final class Calls {
  private static final int FUNCTIONS = 5;
  private static final int HANDLERS = 2;
  private static final int FIRST_VECTOR = 0x40;

  /** A vector whose handler halts: the program goes on behind its INT. */
  private static final int HALTING_VECTOR = 0x70;

  /** Slots for stack pointers of what is called, and for pointers to it. */
  private static final int SLOTS = 20;

  private static final int POINTER_SLOT = 12;

  /** Where functions and handlers may begin, from the program's origin. */
  private static final int MOST = 0x2a00;

  /**
   * Something that is called.
   *
   * @param size of the return address
   * @param drop bytes of parameters that it removes
   */
  private record Function(Label label, boolean far, int size, int drop) {}

  private final Pieces pieces;
  private final StackPieces stack;
  private final Emitter emitter;
  private final Setting setting;
  private final List<Function> functions = new ArrayList<>();
  private final Map<Integer, Long> vectors = new TreeMap<>();

  /** What is called at the end of the code segment, or over 64 KiB. */
  private final Function edge;

  private final boolean wideHandlers;

  Calls(Pieces pieces, StackPieces stack, SplittableRandom random) {
    this.pieces = pieces;
    this.stack = stack;
    this.emitter = pieces.emitter;
    this.setting = emitter.setting;
    for (int n = 0; n < FUNCTIONS; n++) {
      boolean other = setting.narrowCode() && random.nextInt(3) == 0;
      int size = other ? emitter.otherSize() : emitter.size;
      int drop = random.nextInt(3) == 0 ? random.nextInt(1, 5) * size : 0;
      functions.add(new Function(new Label(), random.nextInt(5) < 2, size, drop));
    }
    edge = new Function(new Label(), false, emitter.size, 0);
    wideHandlers =
        setting.mode().protectedMode() && (!setting.narrowCode() || random.nextBoolean());
  }

  /** Returns offsets of handlers by vector. */
  Map<Integer, Long> vectors() {
    return vectors;
  }

  boolean wideHandlers() {
    return wideHandlers;
  }

  // Callers.

  void any(SplittableRandom random) {
    switch (random.nextInt(10)) {
      case 0, 1 -> interrupt(FIRST_VECTOR + random.nextInt(HANDLERS), random);
      case 2 -> {
        emitter.flags.settle();
        near(edge, random);
      }
      case 3 -> {
        emitter.flags.settle();
        stack.atEdge(() -> emitter.near(0xe8, edge.label, edge.size), random);
      }
      case 4 -> stack.atEdge(() -> interrupt(FIRST_VECTOR + HANDLERS, random), random);
      default -> {
        Function function = functions.get(random.nextInt(FUNCTIONS));
        emitter.flags.settle();
        for (int n = 0; n < function.drop; n += function.size) {
          emitter.push(random.nextInt(), function.size);
        }
        if (function.far) {
          far(function, random);
        } else {
          near(function, random);
        }
      }
    }
  }

  private void interrupt(int vector, SplittableRandom random) {
    emitter.flags.want(Flags.STATUS);
    boolean own = hasHandlers() && random.nextInt(4) != 0;
    emitter.code.put(0xcd, own ? vector : HALTING_VECTOR);
    // Where INT faults instead, nothing is known but that it was skipped.
    emitter.flags.settle();
  }

  /** Whether interrupts can be for the program itself. */
  private boolean hasHandlers() {
    return !setting.mode().user;
  }

  private void near(Function f, SplittableRandom random) {
    Label behind = new Label();
    switch (random.nextInt(5)) {
      case 0 -> {
        emitter.constant(CpuState.RAX, f.label, f.size);
        emitter.sized(f.size, 0xff, 0xd0); // CALL rAX
      }
      case 1 -> {
        emitter.constant(CpuState.RAX, f.label, f.size);
        emitter.store(POINTER_SLOT, CpuState.RAX, f.size);
        emitter.memory(f.size, emitter.slot(POINTER_SLOT), 2, 0xff); // CALL [slot]
      }
      case 2 -> {
        emitter.push(behind, 0, f.size);
        emitter.near(0xe9, f.label, f.size);
        emitter.code.bind(behind);
      }
      default -> emitter.near(0xe8, f.label, f.size);
    }
  }

  private void far(Function f, SplittableRandom random) {
    boolean other = random.nextBoolean();
    GuestSegment to = other ? setting.otherCode() : setting.code();
    long shift = other ? setting.otherCodeShift() : 0;
    switch (random.nextInt(4)) {
      case 0 -> {
        emitter.pushSegment(CpuState.CS, f.size);
        emitter.near(0xe8, f.label, f.size);
      }
      case 1 -> {
        emitter.memory(f.size, emitter.slot(POINTER_SLOT), 0, 0xc7);
        emitter.code.address(f.label, f.size, shift);
        emitter.memory(
            2, emitter.absolute(CpuState.SS, setting.slot(POINTER_SLOT) + f.size), 0, 0xc7);
        emitter.code.number(to.selector(), 2);
        emitter.memory(f.size, emitter.slot(POINTER_SLOT), 3, 0xff); // CALL far [slot]
      }
      default -> {
        emitter.sized(f.size, 0x9a);
        emitter.code.address(f.label, f.size, shift);
        emitter.code.number(to.selector(), 2);
      }
    }
  }

  // What is called.

  /** Emits all functions and handlers; the first of their pieces' roots has a number. */
  void functions(long root, SplittableRandom random) {
    for (int n = 0; n < FUNCTIONS; n++) {
      Function f = functions.get(n);
      emitter.code.bind(f.label);
      pieces.root(root + n, false, f.far, MOST);
      body(SLOTS + n, random.split());
      ret(f);
    }
    for (int n = 0; n < HANDLERS; n++) {
      vectors.put(FIRST_VECTOR + n, emitter.code.here());
      pieces.root(root + FUNCTIONS + n, false, true, MOST);
      body(SLOTS + FUNCTIONS + n, random.split());
      emitter.sized(wideHandlers ? 4 : 2, 0xcf);
    }
    // It uses no memory, and so can be called with the stack anywhere.
    vectors.put(FIRST_VECTOR + HANDLERS, emitter.code.here());
    emitter.code.put(0x40); // INC rAX
    emitter.sized(wideHandlers ? 4 : 2, 0xcf);
    if (!hasHandlers()) {
      vectors.clear();
    }
  }

  private void body(int slot, SplittableRandom random) {
    emitter.flags.settle();
    emitter.saveStack(slot);
    pieces.some(random.nextInt(1, 7), random);
    emitter.restoreStack(slot);
    emitter.flags.settle();
  }

  private void ret(Function f) {
    if (f.drop > 0) {
      emitter.sized(f.size, f.far ? 0xca : 0xc2);
      emitter.code.number(f.drop, 2);
    } else {
      emitter.sized(f.size, f.far ? 0xcb : 0xc3);
    }
  }

  /**
   * Emits what is called at an edge, far from the rest: where the code segment ends, or over 64 KiB
   * where that is no end. Returns where it is.
   */
  Range edge(SplittableRandom random) {
    long limit = setting.code().limit() & 0xffff_ffffL;
    boolean over = limit > Emitter.FULL && emitter.size == 2;
    boolean ends = !over && setting.narrowCode();
    long after = ends ? limit + 1 : over ? Emitter.FULL + 6 : Layout.CODE_END;
    long start = after - random.nextInt(6, 15);
    emitter.code.seek(start);
    emitter.code.bind(edge.label);
    while (emitter.code.here() < after - 1) {
      emitter.code.put(0x40 | random.nextInt(3)); // INC of AX, CX or DX
    }
    if (ends && random.nextInt(3) == 0) {
      emitter.code.put(0xb8); // MOV rAX, imm, cut off by the limit
      emitter.code.number(random.nextInt(), emitter.size);
    } else {
      emitter.code.put(0xc3);
    }
    return new Range(start, emitter.code.here() - 1);
  }
}
