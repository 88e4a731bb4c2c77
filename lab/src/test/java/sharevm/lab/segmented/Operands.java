package sharevm.lab.segmented;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import sharevm.cpu.CpuState;
import sharevm.lab.lockstep.CodeBuffer;
import sharevm.lab.lockstep.CodeBuffer.Address;
import sharevm.lab.segmented.GuestSegment.Range;

/**
 * Random memory operands that are in data, in the stack's segment beside the stack, or beyond a
 * limit.
 *
 * <p>rBX and rDI always are offsets in what DS mostly is, rBP in the stack's segment; rSI is free.
 * Most operands are at a chosen place: registers are set so that they lead there.
 */
final class Operands {
  private static final int NONE = CodeBuffer.NONE;

  /** What is behind a place when it is used: an operand, a little drift of pointers. */
  private static final long ROOM = 0x400;

  /** How near to the stack no pointer comes. */
  private static final int BESIDE_STACK = 0x900;

  private static final int[] SEGMENTS = {
    CpuState.DS, CpuState.DS, CpuState.DS, CpuState.DS, CpuState.DS, CpuState.DS, CpuState.SS,
    CpuState.SS, CpuState.SS, CpuState.ES, CpuState.ES, CpuState.FS, CpuState.FS, CpuState.GS
  };

  /** Registers that addresses may set to anything; not rCX, which counts. */
  private static final int[] FREE = {CpuState.RAX, CpuState.RDX, CpuState.RSI};

  private static final int[] POINTERS = {CpuState.RBX, CpuState.RDI, CpuState.RBP};

  /** What segment registers hold where the next instruction is. */
  final GuestSegment[] current;

  /** Offsets of data among the code. */
  final List<Long> pools = new ArrayList<>();

  private final Emitter emitter;
  private final Setting setting;

  Operands(Emitter emitter) {
    this.emitter = emitter;
    this.setting = emitter.setting;
    current = setting.initial().toArray(GuestSegment[]::new);
  }

  // Places.

  private static int one(int[] of, SplittableRandom random) {
    return of[random.nextInt(of.length)];
  }

  /** Returns an offset in a range with room behind it, often near a page's border. */
  private long within(Range range, GuestSegment segment, SplittableRandom random) {
    long high = range.high() - Math.min(ROOM, range.high() - range.low() >> 2);
    long place = range.low() + random.nextLong(high - range.low() + 1);
    if (random.nextInt(3) == 0) {
      long border = (segment.base() + place & -4096) - segment.base();
      long near = border + random.nextInt(-40, 24);
      return near >= range.low() && near <= high ? near : place;
    }
    return place;
  }

  private boolean besideStack(long offset) {
    Range zone = setting.zone();
    return offset < zone.low() - BESIDE_STACK || offset > zone.high() + BESIDE_STACK;
  }

  /** An offset in the stack's segment that is no part of the stack. */
  private long besideStack(Range range, GuestSegment segment, SplittableRandom random) {
    long place = within(range, segment, random);
    while (!besideStack(place)) {
      place = within(range, segment, random);
    }
    return place;
  }

  /** Returns a value for rBX, rDI or rBP. */
  long pointer(int register, boolean narrow, SplittableRandom random) {
    int by = register == CpuState.RBP ? CpuState.SS : CpuState.DS;
    GuestSegment segment = setting.usual().get(by);
    Range range = narrow && segment.narrow() != null ? segment.narrow() : segment.wide();
    return by == CpuState.SS ? besideStack(range, segment, random) : within(range, segment, random);
  }

  /** Sets all pointers anew. */
  void resetPointers(SplittableRandom random) {
    for (int register : POINTERS) {
      setPointer(register, random);
    }
  }

  /** Sets rBX, rDI or rBP to another place. */
  void setPointer(int register, SplittableRandom random) {
    long place = pointer(register, emitter.size == 2 || random.nextInt(6) == 0, random);
    int bytes = place > Emitter.FULL || random.nextInt(3) == 0 ? 4 : emitter.size;
    emitter.constant(register, place, bytes);
  }

  /** Returns an offset in a segment, now and then about its limit. */
  long place(int register, boolean narrow, SplittableRandom random) {
    GuestSegment segment = current[register];
    Range range = narrow ? segment.narrow() : segment.wide();
    long mask = narrow ? Emitter.FULL : 0xffff_ffffL;
    return mask
        & switch (random.nextInt(36)) {
          case 0 -> segment.limit() + random.nextInt(-8, 8);
          case 1 -> range.high() - random.nextInt(16);
          case 2 -> range.low() + random.nextInt(8);
          case 3 -> beyond(segment, range, narrow, random);
          default ->
              register == CpuState.SS
                  ? besideStack(range, segment, random)
                  : within(range, segment, random);
        };
  }

  /** An offset that counts as negative where nothing hinders that, else one near the end. */
  private static long beyond(
      GuestSegment segment, Range range, boolean narrow, SplittableRandom random) {
    boolean may = segment.endless() && !narrow && segment.base() > Layout.DATA + 0x1000;
    return may
        ? -random.nextLong(segment.base() - Layout.DATA)
        : range.high() - random.nextInt(600);
  }

  // Operands.

  /** Returns an operand, after instructions that set its registers. */
  Address any(boolean writes, boolean aligned, SplittableRandom random) {
    boolean usualCode = current[CpuState.CS].equals(setting.code());
    boolean mayPool = usualCode && (!writes || setting.mode().realSegments());
    if (mayPool && !aligned && !pools.isEmpty() && random.nextInt(16) == 0) {
      return pool(random);
    }
    boolean narrow = emitter.size == 2 ^ random.nextInt(6) == 0;
    if (!aligned && random.nextInt(3) == 0) {
      return near(random);
    }
    int register = segment(writes, random);
    narrow &= current[register].narrow() != null;
    long place = place(register, narrow, random);
    place -= aligned ? current[register].base() + place & 15 : 0;
    return narrow ? narrow(register, place, random) : wide(register, place, random);
  }

  /** Returns a segment register that mostly allows the access. */
  private int segment(boolean writes, SplittableRandom random) {
    int register = one(SEGMENTS, random);
    GuestSegment segment = current[register];
    boolean allows = segment.usable() && (!writes || segment.writable());
    return allows || random.nextInt(8) == 0 ? register : segment(writes, random);
  }

  /** Not quite at the ends, since bit strings may begin a little before or behind their operand. */
  private Address pool(SplittableRandom random) {
    long at = pools.get(random.nextInt(pools.size())) + random.nextInt(8, 28);
    return emitter.absolute(CpuState.CS, at);
  }

  /** A prefix where the segment is not what the base chooses, and now and then where it is. */
  private static int prefix(int register, int base, SplittableRandom random) {
    boolean stack = base == CpuState.RBP || base == CpuState.RSP;
    boolean chosen = register == (stack ? CpuState.SS : CpuState.DS);
    return chosen && random.nextInt(10) != 0 ? 0 : Emitter.prefix(register);
  }

  /** An operand near a pointer, which is not set anew. */
  private Address near(SplittableRandom random) {
    int base = one(POINTERS, random);
    boolean stack = base == CpuState.RBP;
    GuestSegment segment = setting.usual().get(stack ? CpuState.SS : CpuState.DS);
    int distance = random.nextInt(3) == 0 ? random.nextInt(-600, 600) : random.nextInt(-16, 17);
    boolean narrow = emitter.size == 2 && segment.narrow() != null;
    if (narrow && base == CpuState.RDI) {
      return new Address(0, NONE, base, 0, distance, true);
    }
    boolean sums = narrow && base == CpuState.RBX && segment.narrow().low() == 0;
    if (sums && segment.narrow().high() == Emitter.FULL && random.nextBoolean()) {
      int index = random.nextBoolean() ? CpuState.RSI : CpuState.RDI;
      return new Address(0, base, index, 0, distance, true);
    }
    return new Address(0, base, NONE, 0, distance, narrow);
  }

  /** A 16-bit form that leads to a place. */
  private Address narrow(int register, long place, SplittableRandom random) {
    int base = one(new int[] {NONE, NONE, CpuState.RBX, CpuState.RBX, CpuState.RBP}, random);
    int index = one(new int[] {NONE, CpuState.RSI, CpuState.RDI}, random);
    long wanted = place - displacement(random);
    long sum = base == NONE ? 0 : point(base, register, wanted, random);
    if (index == CpuState.RDI) {
      sum += point(index, register, wanted - sum, random);
    } else if (index == CpuState.RSI) {
      long high = emitter.size == 4 ? random.nextLong() << 16 : 0;
      emitter.constant(index, wanted - sum & Emitter.FULL | high, emitter.size);
      sum = wanted;
    }
    int prefix = prefix(register, base, random);
    return new Address(prefix, base, index, 0, (short) (place - sum), true);
  }

  private static int displacement(SplittableRandom random) {
    return random.nextInt(3) == 0 ? random.nextInt() : random.nextInt(-130, 130);
  }

  /** Sets a pointer to a value if that is where it may point, else to any; returns what it is. */
  private long point(int pointer, int register, long wanted, SplittableRandom random) {
    int own = pointer == CpuState.RBP ? CpuState.SS : CpuState.DS;
    Range range = setting.usual().get(own).narrow();
    long value = wanted & Emitter.FULL;
    boolean inRange = range != null && value >= range.low() && value <= range.high();
    boolean may = register == own && inRange && (own == CpuState.DS || besideStack(value));
    long chosen = may ? value : pointer(pointer, true, random);
    emitter.constant(pointer, chosen, chosen > Emitter.FULL ? 4 : emitter.size);
    return chosen;
  }

  /** A 32-bit form that leads to a place. */
  private Address wide(int register, long place, SplittableRandom random) {
    int base =
        random.nextInt(5) == 0 ? NONE : one(random.nextInt(3) == 0 ? POINTERS : FREE, random);
    int index = random.nextInt(3) == 0 ? one(FREE, random) : NONE;
    int scale = index == NONE ? 0 : random.nextInt(4);
    long sum = 0;
    if (index != NONE) {
      long value = random.nextInt(3) == 0 ? random.nextInt() & 0xffff_ffffL : random.nextInt(64);
      emitter.constant(index, value, 4);
      sum = value << scale;
      sum += index == base ? value : 0;
    }
    boolean free = base == CpuState.RAX || base == CpuState.RDX || base == CpuState.RSI;
    if (free && base != index) {
      long value = place - displacement(random) - sum & 0xffff_ffffL;
      emitter.constant(base, value, 4);
      sum += value;
    } else if (base != NONE && base != index) {
      long value = pointer(base, emitter.size == 2, random);
      emitter.constant(base, value, 4);
      sum += value;
    }
    return new Address(
        prefix(register, base, random), base, index, scale, (int) (place - sum), false);
  }
}
