package sharevm.lab.segmented;

import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongPredicate;
import sharevm.cpu.CpuState;
import sharevm.lab.lockstep.CodeBuffer.Label;
import sharevm.lab.lockstep.PieceTree;

/** The pieces that programs are put together of. */
final class Pieces {
  private static final int MOST_DEPTH = 3;
  private static final int MOST_LOOPS = 60;

  /** The first slot for counters of loops. */
  private static final int COUNTERS = 40;

  private static final int JNZ = 5;

  final Emitter emitter;
  final Operands operands;
  final Instructions instructions;

  private final PieceTree tree;
  private final StackPieces stack;
  private final StringPieces strings;
  private final SegmentPieces segments;
  private final SystemPieces system;
  private final CodePieces code;
  private Calls calls;
  private int depth;
  private int counters;

  /** Whether segment registers, the stack or the code segment are not the usual ones. */
  private boolean leaf;

  /** Whether a piece is part of what is called. */
  private boolean called;

  /** Where no more pieces begin. */
  private long end;

  Pieces(Emitter emitter, LongPredicate kept) {
    this.emitter = emitter;
    tree = new PieceTree(kept);
    operands = new Operands(emitter);
    instructions = new Instructions(emitter, operands);
    stack = new StackPieces(emitter, operands, instructions);
    strings = new StringPieces(emitter, operands);
    code = new CodePieces(emitter, operands);
    segments = new SegmentPieces(this);
    system = new SystemPieces(emitter, operands, instructions);
  }

  /** Makes what is called, which makes pieces itself. */
  Calls calls(SplittableRandom random) {
    calls = new Calls(this, stack, random);
    return calls;
  }

  /** Returns the numbers of all pieces that were emitted. */
  List<Long> items() {
    return tree.items();
  }

  List<Long> patches() {
    return code.patches;
  }

  /**
   * Begins with the root of a number.
   *
   * @param main whether it is the program's own part; what is called calls nothing itself
   * @param simple whether it leaves segment registers and the stack alone
   * @param most offset from the program's origin where no more pieces begin
   */
  void root(long number, boolean main, boolean simple, int most) {
    tree.root(number);
    called = !main;
    leaf = simple;
    depth = main ? 0 : MOST_DEPTH - 1;
    end = emitter.setting.origin() + most;
    stack.inside(main ? 0 : 1);
    // What others call through a far pointer may run in either.
    Setting setting = emitter.setting;
    operands.current[CpuState.CS] = simple ? setting.otherCode() : setting.code();
  }

  /** Emits some pieces. */
  void some(int count, SplittableRandom random) {
    tree.some(count, random, this::piece);
  }

  /** Emits some pieces that leave segment registers, stack and code segment alone. */
  void leaves(int count, SplittableRandom random) {
    boolean before = leaf;
    leaf = true;
    some(count, random);
    leaf = before;
  }

  private void piece(int kind, SplittableRandom random) {
    if (emitter.code.here() >= end) {
      return;
    }
    if (kind < 38) {
      for (int n = random.nextInt(1, 8); n > 0; n--) {
        instructions.any(random);
      }
    } else if (kind < 48) {
      pointer(random);
    } else if (kind < 56) {
      branch(random);
    } else if (kind < 63) {
      loop(random);
    } else if (kind < 68) {
      strings.any(random);
    } else if (kind < 70) {
      code.pool(random);
    } else if (leaf) {
      stack.plain(random);
    } else if (kind < 78) {
      stack.any(random);
    } else if (kind < 85 && !called) {
      calls.any(random);
    } else if (kind < 89) {
      code.selfModifying(random);
    } else if (kind < 95) {
      segments.any(random);
    } else {
      system.any(random);
    }
  }

  /** Changes a pointer, mostly by a constant. */
  private void pointer(SplittableRandom random) {
    int[] pointers = {CpuState.RBX, CpuState.RDI, CpuState.RBP};
    int to = pointers[random.nextInt(3)];
    int by = random.nextBoolean() ? random.nextInt(-8, 8) * 16 : random.nextInt(-100, 100);
    switch (random.nextInt(6)) {
      case 0 -> {
        emitter.sized(emitter.size, 0x83, (random.nextBoolean() ? 0xc0 : 0xe8) | to, by);
        emitter.flags.defined();
      }
      case 1 -> emitter.code.put((random.nextBoolean() ? 0x40 : 0x48) | to); // INC, DEC
      case 2 -> emitter.sized(emitter.size, 0x89, 0xc0 | CpuState.RBX << 3 | CpuState.RDI);
      default -> operands.setPointer(to, random);
    }
  }

  // Branches and loops.

  /** A branch forward over some pieces, on any condition, or on rCX. */
  private void branch(SplittableRandom random) {
    Label over = new Label();
    Label end = new Label();
    emitter.flags.settle();
    if (random.nextInt(4) == 0) {
      shortBranch(over, random);
      return;
    }
    boolean otherwise = random.nextInt(3) == 0;
    conditional(random.nextInt(16), over, random);
    if (depth < MOST_DEPTH + 1) {
      depth++;
      some(random.nextInt(1, 4), random);
      depth--;
    }
    emitter.flags.settle();
    if (otherwise) {
      emitter.near(0xe9, end, emitter.size);
      emitter.code.bind(over);
      some(random.nextInt(1, 3), random);
      emitter.flags.settle();
    }
    emitter.code.bind(otherwise ? end : over);
  }

  /** Jcc, of either size where both lead to the same. */
  private void conditional(int condition, Label to, SplittableRandom random) {
    boolean other = emitter.setting.narrowCode() && random.nextInt(8) == 0;
    int size = other ? emitter.otherSize() : emitter.size;
    emitter.sized(size, 0x0f, 0x80 | condition);
    emitter.code.distance(to, size);
  }

  private void shortBranch(Label over, SplittableRandom random) {
    boolean byCount = random.nextInt(3) == 0;
    if (byCount && random.nextBoolean()) {
      emitter.constant(CpuState.RCX, random.nextLong() << 16, 4);
    }
    if (byCount && random.nextInt(3) == 0) {
      emitter.code.put(Emitter.ADDRESS_SIZE);
    }
    emitter.code.put(byCount ? 0xe3 : 0x70 | random.nextInt(16)); // JCXZ, or Jcc
    emitter.code.distance(over, 1);
    instructions.any(random);
    emitter.flags.settle();
    emitter.code.bind(over);
  }

  /** A loop whose counter is in memory. */
  void counted(int slot, int turns, Runnable body) {
    Label head = new Label();
    emitter.storeConstant(slot, turns, emitter.size);
    emitter.flags.settle();
    emitter.code.bind(head);
    body.run();
    emitter.memory(emitter.size, emitter.slot(slot), 5, 0x83); // SUB [slot], 1
    emitter.code.put(1);
    emitter.flags.defined();
    emitter.jumpIf(JNZ, head);
  }

  private void loop(SplittableRandom random) {
    if (depth >= MOST_DEPTH || counters >= MOST_LOOPS) {
      return;
    }
    depth++;
    int turns = random.nextInt(1, 9);
    int pieces = random.nextInt(1, 6);
    // Through another segment the counter would be that of another loop.
    boolean usualStack = operands.current[CpuState.SS].equals(emitter.setting.stack());
    if (usualStack && random.nextBoolean()) {
      counted(COUNTERS + counters++, turns, () -> some(pieces, random));
    } else {
      byRegister(turns, pieces, random);
    }
    depth--;
  }

  /** LOOP, LOOPE, LOOPNE, or DEC and JNZ, with rCX on the stack meanwhile. */
  private void byRegister(int turns, int pieces, SplittableRandom random) {
    Label head = new Label();
    int size = random.nextInt(4) == 0 ? emitter.otherSize() : emitter.size;
    emitter.constant(CpuState.RCX, turns, size);
    emitter.flags.settle();
    emitter.code.bind(head);
    emitter.sized(size, 0x51); // PUSH rCX
    some(pieces, random);
    emitter.sized(size, 0x59); // POP rCX
    int kind = random.nextInt(4);
    if (kind == 3) {
      emitter.sized(size, 0x49); // DEC rCX
      emitter.flags.settle();
      emitter.jumpIf(JNZ, head);
      return;
    }
    emitter.flags.settle();
    boolean near = emitter.code.since(head) < 120;
    if (size != emitter.size) {
      emitter.code.put(Emitter.ADDRESS_SIZE);
    }
    emitter.code.put(0xe0 | kind);
    if (near) {
      emitter.code.distance(head, 1);
    } else {
      emitter.code.put(2, 0xeb, 1 + emitter.size); // to JMP head, or over it
      emitter.near(0xe9, head, emitter.size);
    }
  }
}
