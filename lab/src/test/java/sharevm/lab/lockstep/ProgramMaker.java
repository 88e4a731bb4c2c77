package sharevm.lab.lockstep;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongPredicate;
import sharevm.cpu.Flags;
import sharevm.lab.lockstep.CodeBuffer.Address;
import sharevm.lab.lockstep.CodeBuffer.Label;

/**
 * Puts random programs together: loops, branches forward, calls, stack, strings, code that changes
 * itself, page tables that change.
 */
final class ProgramMaker {
  private static final int FUNCTIONS = 3;
  private static final int MOST_DEPTH = 3;
  private static final int FRAME = 96;

  /** Makes another seed of a program's. */
  private static final long CHAINS = 0x5bd1_e995;

  /** Offsets in the data, no other ones among them. */
  private static final int IN_DATA = 0x1_dfff;

  private final GuestMode mode;
  private final boolean is64;
  private final PieceTree tree;
  private final long seed;
  private final SplittableRandom structure;
  private final CodeBuffer code;
  private final GuestRegisters registers;
  private final InstructionMaker maker;
  private final SystemPieces system;
  private final List<Label> functions = new ArrayList<>();
  private final List<Long> pools = new ArrayList<>();
  private final List<Long> patches = new ArrayList<>();

  /** Places in stores' displacements that want the next immediate byte to be changed. */
  private final List<Integer> openStores = new ArrayList<>();

  private int counters;
  private int depth;

  private ProgramMaker(GuestMode mode, long seed, LongPredicate kept) {
    this.mode = mode;
    this.is64 = mode.is64();
    tree = new PieceTree(kept);
    this.seed = seed;
    structure = new SplittableRandom(seed);
    code = new CodeBuffer(is64);
    registers = new GuestRegisters(is64);
    maker =
        new InstructionMaker(
            is64,
            code,
            registers,
            r -> pools.isEmpty() ? 0 : pools.get(r.nextInt(pools.size())),
            (seed & 1) == 0);
    system = new SystemPieces(mode, code, maker);
  }

  /**
   * Makes a program.
   *
   * @param kept which of its pieces, by number, are not left out
   */
  static Program make(GuestMode mode, long seed, LongPredicate kept) {
    return new ProgramMaker(mode, seed, kept).make();
  }

  private Program make() {
    for (int n = 0; n < FUNCTIONS; n++) {
      functions.add(new Label());
    }
    int skipped = structure.nextInt(4) == 0 ? structure.nextInt(3900, 4090) : structure.nextInt(64);
    for (int n = 0; n < skipped; n++) {
      code.put(0x90);
    }
    long entry = code.here();
    tree.root(1);
    SplittableRandom chains = new SplittableRandom(seed ^ CHAINS);
    chain(chains);
    loop(structure.nextInt(15, 60), structure.nextInt(8, 50), structure.split());
    chain(chains);
    code.put(0xcc);
    for (int n = 0; n < FUNCTIONS; n++) {
      function(n);
    }
    return new Program(mode, code.bytes(), entry, tree.items(), List.copyOf(patches));
  }

  private void function(int number) {
    code.bind(functions.get(number));
    tree.root(number + 2);
    maker.flags.settle();
    boolean framed = structure.nextBoolean();
    if (framed) {
      code.put(0x55);
      rexW();
      code.put(0x89, 0xe5);
    }
    rexW();
    code.put(0x83, 0xec, FRAME);
    maker.flags.defined();
    depth = MOST_DEPTH;
    pieces(structure.nextInt(2, 9), structure);
    depth = 0;
    boolean leaves = framed && structure.nextBoolean();
    if (leaves) {
      code.put(0xc9);
    } else {
      rexW();
      code.put(0x83, 0xc4, FRAME);
      maker.flags.defined();
      if (framed) {
        code.put(0x5d);
      }
    }
    maker.flags.settle();
    code.put(0xc3);
  }

  private void rexW() {
    if (is64) {
      code.put(0x48);
    }
  }

  private void pieces(int count, SplittableRandom random) {
    tree.some(count, random, this::piece);
  }

  private void piece(int kind, SplittableRandom random) {
    if (kind < 40) {
      for (int n = random.nextInt(1, 8); n > 0; n--) {
        maker.any(random);
      }
    } else if (kind < 60) {
      pointer(random);
    } else if (kind < 68) {
      stack(random);
    } else if (kind < 76) {
      branch(random);
    } else if (kind < 81) {
      inner(random);
    } else if (kind < 86) {
      call(random);
    } else if (kind < 90) {
      selfModifying(random);
    } else if (kind < 92) {
      pool(random);
    } else if (kind < 95) {
      system.string(random);
    } else if (kind < 97) {
      divide(random);
    } else {
      system.any(random);
    }
  }

  private void loop(int pieces, int turns, SplittableRandom random) {
    loop(turns, () -> pieces(pieces, random));
  }

  /** A loop whose loads tell where it loads from next, all over the data; stores are among them. */
  private void chain(SplittableRandom random) {
    int part = random.nextInt(4);
    loop(
        random.nextInt(50, 300),
        () -> {
          code.put(0x25); // AND EAX, imm32
          code.number(IN_DATA, 4);
          code.put(0x03, 0x80); // ADD EAX, [rAX+data]
          code.number(GuestLayout.DATA, 4);
          code.put(0xc1, 0xc8, 7); // ROR EAX, 7
          code.put(0x89, 0xc1, 0x81, 0xe1); // MOV ECX, EAX; AND ECX, imm32
          code.number(IN_DATA & -8, 4);
          if (part > 0) {
            code.put(0x0f, 0xb6, 0x91); // MOVZX EDX, byte [rCX+data]
            code.number(GuestLayout.DATA, 4);
          }
          if (part > 1) {
            code.put(0x89, 0x81); // MOV [rCX+data], EAX
            code.number(GuestLayout.DATA, 4);
          }
          if (part > 2) {
            code.put(0x66, 0x0f, 0x6f, 0x81); // MOVDQA XMM0, [rCX+data]
            code.number(GuestLayout.DATA, 4);
          }
          maker.flags.defined();
        });
  }

  private void loop(int turns, Runnable body) {
    Label head = new Label();
    long counter = GuestLayout.COUNTERS + 8L * counters++;
    Address place = new Address(0, CodeBuffer.NONE, CodeBuffer.NONE, 0, counter);
    code.put(0xc7, 4, 0x25);
    code.number(place.displacement(), 4);
    code.number(turns, 4);
    maker.flags.settle();
    code.bind(head);
    depth++;
    body.run();
    depth--;
    code.put(0x83, 0x2c, 0x25);
    code.number(place.displacement(), 4);
    code.put(1);
    maker.flags.defined();
    code.jumpIf(5, head);
  }

  private void inner(SplittableRandom random) {
    if (depth < MOST_DEPTH && counters < 200) {
      loop(random.nextInt(1, 7), random.nextInt(1, 9), random);
    }
  }

  /** A branch forward over some pieces, on any condition. */
  private void branch(SplittableRandom random) {
    if (depth > MOST_DEPTH) {
      return;
    }
    Label over = new Label();
    Label end = new Label();
    boolean otherwise = random.nextInt(3) == 0;
    maker.flags.settle();
    code.jumpIf(random.nextInt(16), over);
    depth++;
    pieces(random.nextInt(1, 4), random);
    maker.flags.settle();
    if (otherwise) {
      code.jump(end);
      code.bind(over);
      pieces(random.nextInt(1, 3), random);
      maker.flags.settle();
    }
    depth--;
    code.bind(otherwise ? end : over);
  }

  private void call(SplittableRandom random) {
    if (depth >= MOST_DEPTH) {
      return;
    }
    maker.flags.settle();
    Label function = functions.get(random.nextInt(FUNCTIONS));
    switch (random.nextInt(3)) {
      case 0 -> code.call(function);
      case 1 -> {
        target(function);
        code.put(0xff, 0xd0); // CALL rAX
      }
      default -> {
        target(function);
        code.put(0x50, 0xff, 0x14, 0x24); // PUSH rAX, CALL [rSP]
        rexW();
        code.put(0x8d, 0x64, 0x24, is64 ? 8 : 4); // LEA rSP, [rSP+8]
      }
    }
  }

  /** Brings a function's address into rAX. */
  private void target(Label function) {
    if (is64) {
      code.put(0x48, 0x8d, 5);
      code.distance(function);
    } else {
      Label here = new Label();
      code.put(0xe8);
      code.distance(here);
      code.bind(here);
      long at = code.here();
      code.put(0x58, 5); // POP EAX, ADD EAX, what is between
      code.distance(function);
      code.put(0x83, 0xc0, (int) (code.here() + 3 - at)); // ADD EAX, imm8
      maker.flags.settle();
    }
  }

  /** Changes a pointer or an index, mostly by a constant. */
  private void pointer(SplittableRandom random) {
    int to = registers.pointer(random);
    boolean aligned = registers.isAligned(to);
    int from = aligned ? registers.alignedPointer(random) : registers.pointer(random);
    boolean even = aligned || random.nextBoolean();
    int by = even ? random.nextInt(-8, 8) * 16 : random.nextInt(-100, 100);
    int rex = 0x48 | (to >= 8 ? 1 : 0);
    switch (random.nextInt(aligned ? 5 : 0, 13)) {
      case 3, 4, 5, 6 -> sum(rex, random.nextBoolean() ? 0xc0 : 0xe8, to, by);
      case 1 -> {
        rex(rex);
        code.put(0xff, 0xc0 | to & 7);
      }
      case 2 -> {
        rex(rex);
        code.put(0xff, 0xc8 | to & 7);
      }
      case 7, 8 -> {
        rex(0x48 | (to >= 8 ? 4 : 0) | (from >= 8 ? 1 : 0));
        code.put(0x8d, 0x40 | (to & 7) << 3 | from & 7, by);
      }
      case 9 -> {
        rex(0x48 | (to >= 8 ? 1 : 0) | (from >= 8 ? 4 : 0));
        code.put(0x89, 0xc0 | (from & 7) << 3 | to & 7);
      }
      case 10, 11 -> set(to, place(random) & (aligned ? -16 : -1));
      default -> set(registers.index(random), random.nextInt(is64 ? -64 : 0, 64));
    }
  }

  private void sum(int rex, int modrm, int to, int by) {
    rex(rex);
    code.put(0x83, modrm | to & 7, by);
    maker.flags.defined();
  }

  private void rex(int bits) {
    if (is64) {
      code.put(bits);
    }
  }

  /** MOV of a constant, sign-extended in 64-bit mode. */
  private void set(int register, long value) {
    rex(0x48 | (register >= 8 ? 1 : 0));
    code.put(0xc7, 0xc0 | register & 7);
    code.number(value, 4);
  }

  /** An address in the data, often near a page's border. */
  static long place(SplittableRandom random) {
    long page = GuestLayout.DATA + 4096L * random.nextInt(2, GuestLayout.DATA_PAGES - 2);
    int offset = random.nextInt(3) == 0 ? random.nextInt(4096) : random.nextInt(-160, 160);
    return page + (random.nextInt(3) < 2 ? offset & -16 : offset);
  }

  private void stack(SplittableRandom random) {
    int count = random.nextInt(1, 5);
    for (int n = 0; n < count; n++) {
      switch (random.nextInt(4)) {
        case 0 -> push(registers.any(random));
        case 1 -> {
          code.put(0x68);
          code.number(random.nextInt(), 4);
        }
        case 2 -> {
          int base = registers.pointer(random);
          if (base >= 8) {
            code.put(0x41);
          }
          code.put(0xff, 0x70 | base & 7, random.nextInt(-64, 64));
        }
        default -> push(registers.pointer(random));
      }
      if (random.nextBoolean()) {
        maker.any(random);
      }
    }
    boolean whole = random.nextInt(4) == 0;
    if (whole) {
      rexW();
      code.put(0x83, 0xc4, count * (is64 ? 8 : 4));
      maker.flags.defined();
    }
    for (int n = 0; n < count && !whole; n++) {
      int into = registers.data(random);
      if (into >= 8) {
        code.put(0x41);
      }
      code.put(0x58 | into & 7);
      if (random.nextInt(3) == 0) {
        maker.any(random);
      }
    }
  }

  private void push(int register) {
    if (register >= 8) {
      code.put(0x41);
    }
    code.put(0x50 | register & 7);
  }

  /** Either a store to an immediate operand that comes, or an instruction whose operand changes. */
  private void selfModifying(SplittableRandom random) {
    if (random.nextBoolean()) {
      code.put(0xc6, 5); // MOV byte [it], imm8
      openStores.add(code.length());
      long elsewhere = GuestLayout.DATA + 4096 + random.nextInt(4096);
      code.number(is64 ? elsewhere - code.here() - 5 : elsewhere, 4);
      code.put(random.nextInt());
      return;
    }
    if (random.nextBoolean() && !patches.isEmpty()) {
      long at = patches.get(random.nextInt(patches.size()));
      code.put(0x80, 5); // ADD byte [it], imm8
      code.number(is64 ? at - code.here() - 5 : at, 4);
      code.put(random.nextInt(1, 4));
      maker.flags.defined();
      return;
    }
    code.put(
        0x83, 0xc0 | registers.data(random) & 3 & ~1, random.nextInt()); // ADD EAX or EDX, imm8
    maker.flags.defined();
    long place = code.here() - 1;
    patches.add(place);
    for (int store : openStores) {
      long value = is64 ? place - (GuestLayout.CODE + store + 5) : place;
      code.patch(store, (int) value);
    }
    openStores.clear();
  }

  /** Some bytes of data in the midst of the code. */
  private void pool(SplittableRandom random) {
    Label over = new Label();
    maker.flags.settle();
    code.jump(over);
    pools.add(code.here());
    for (int n = 0; n < 48; n++) {
      code.put(random.nextInt());
    }
    code.bind(over);
  }

  /** DIV by what cannot be 0, of what cannot be too much for it. */
  private void divide(SplittableRandom random) {
    code.put(0x31, 0xd2, 0x83, 0xc9, 1); // XOR EDX, EDX; OR ECX, 1
    if (is64 && random.nextBoolean()) {
      code.put(0x48);
    }
    code.put(0xf7, random.nextInt(8) == 0 ? 0xf9 : 0xf1); // DIV ECX, or IDIV
    maker.flags.defined();
    maker.flags.undefined(Flags.STATUS);
  }
}
