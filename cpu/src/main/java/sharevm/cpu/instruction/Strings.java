package sharevm.cpu.instruction;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;

/**
 * MOVS, STOS, LODS, CMPS, SCAS with REP (Intel SDM Vol. 1 5.1.8). Repeated instructions do a piece
 * of their work at a time and leave RIP on themselves until it is done, so that interrupts are
 * taken between pieces; registers are up to date after every element, so that a fault restarts
 * where it came.
 */
final class Strings {
  /** Elements between two looks at what else is to be done. */
  private static final int PIECE = 2048;

  private Strings() {}

  /** One element's work; returns whether a repetition that compares goes on. */
  @FunctionalInterface
  private interface Element {
    boolean execute(Cpu c, Instruction i, int size);
  }

  static void bind(Semantics s) {
    both(s, "MOVS", Strings::movs);
    both(s, "STOS", Strings::stos);
    both(s, "LODS", Strings::lods);
    both(s, "CMPS", Strings::cmps);
    both(s, "SCAS", Strings::scas);
  }

  private static void both(Semantics s, String mnemonic, Element element) {
    s.put(mnemonic + "B", (c, i) -> run(c, i, 1, element));
    s.put(mnemonic, (c, i) -> run(c, i, i.operandSize, element));
  }

  private static void run(Cpu c, Instruction i, int size, Element element) {
    if (i.repeat == Instruction.NO_REPEAT) {
      element.execute(c, i, size);
    } else {
      repeat(c, i, size, element);
    }
  }

  private static void repeat(Cpu c, Instruction i, int size, Element element) {
    CpuState s = c.state;
    long count = s.gpr[CpuState.RCX] & i.addressMask;
    if (count == 0) {
      return;
    }
    long result = s.flagsResult;
    long carry = s.flagsCarry;
    try {
      piece(c, i, size, count, element);
    } catch (GuestFault fault) {
      if (!c.model.isAmd()) {
        // As it was before the instruction, or its present piece (Intel SDM Vol. 2B REP); AMD's
        // processors leave what the last comparison gave.
        s.flagsResult = result;
        s.flagsCarry = carry;
      }
      throw fault;
    }
  }

  private static void piece(Cpu c, Instruction i, int size, long count, Element element) {
    CpuState s = c.state;
    long next = s.rip;
    int piece = c.events.single() ? 1 : PIECE;
    boolean more = true;
    long left = count;
    for (int n = 0; n < piece && left != 0 && more; n++) {
      long done = c.events.single() ? 0 : bulk(c, i, size, left);
      if (done == 0) {
        more = element.execute(c, i, size);
        done = 1;
      }
      left -= done;
      s.r(CpuState.RCX, i.addressSize, left);
    }
    s.rip = more && left != 0 ? i.ownRip(s) : next;
  }

  private static boolean movs(Cpu c, Instruction i, int size) {
    CpuState s = c.state;
    long value = c.memory.load(i.segment, s.gpr[CpuState.RSI] & i.addressMask, size);
    c.memory.store(extra(i), s.gpr[CpuState.RDI] & i.addressMask, size, value);
    advance(s, i, CpuState.RSI, size);
    advance(s, i, CpuState.RDI, size);
    return true;
  }

  private static boolean stos(Cpu c, Instruction i, int size) {
    CpuState s = c.state;
    c.memory.store(extra(i), s.gpr[CpuState.RDI] & i.addressMask, size, s.gpr[CpuState.RAX]);
    advance(s, i, CpuState.RDI, size);
    return true;
  }

  private static boolean lods(Cpu c, Instruction i, int size) {
    CpuState s = c.state;
    long value = c.memory.load(i.segment, s.gpr[CpuState.RSI] & i.addressMask, size);
    Operands.register(s, CpuState.RAX, size, value);
    advance(s, i, CpuState.RSI, size);
    return true;
  }

  private static boolean cmps(Cpu c, Instruction i, int size) {
    CpuState s = c.state;
    long first = c.memory.load(i.segment, s.gpr[CpuState.RSI] & i.addressMask, size);
    long second = c.memory.load(extra(i), s.gpr[CpuState.RDI] & i.addressMask, size);
    Arithmetic.sub(s, Arithmetic.shift(size), first, second);
    advance(s, i, CpuState.RSI, size);
    advance(s, i, CpuState.RDI, size);
    return goesOn(s, i);
  }

  private static boolean scas(Cpu c, Instruction i, int size) {
    CpuState s = c.state;
    long value = c.memory.load(extra(i), s.gpr[CpuState.RDI] & i.addressMask, size);
    Arithmetic.sub(s, Arithmetic.shift(size), s.gpr[CpuState.RAX], value);
    advance(s, i, CpuState.RDI, size);
    return goesOn(s, i);
  }

  private static boolean goesOn(CpuState s, Instruction i) {
    return Flags.zf(s) == (i.repeat == Instruction.REP);
  }

  /** Returns the segment of the destination, which no prefix overrides. */
  private static int extra(Instruction i) {
    return i.codeSize == 8 ? CpuState.FLAT : CpuState.ES;
  }

  private static void advance(CpuState s, Instruction i, int register, long bytes) {
    long step = (s.flagsSystem & Flags.DF) == 0 ? bytes : -bytes;
    s.r(register, i.addressSize, s.gpr[register] + step);
  }

  /**
   * Does as many elements of REP MOVS or REP STOS as lie in plain memory up to the next page
   * border, at once.
   *
   * @return how many, 0 when the next one must be done singly
   */
  private static long bulk(Cpu c, Instruction i, int size, long count) {
    CpuState s = c.state;
    int code = i.opcode.code() & 0xfe;
    boolean moves = code == 0xa4;
    boolean upwards = (s.flagsSystem & Flags.DF) == 0;
    if (!moves && code != 0xaa || !upwards || !c.memory.unchecked(extra(i)) || i.addressSize == 2) {
      return 0;
    }
    long to = linear(s, extra(i), s.gpr[CpuState.RDI] & i.addressMask);
    long bytes = Math.min(count * size, 4096 - (to & 0xfff));
    long target = c.memory.direct(to, true);
    long source = target;
    if (moves) {
      long from = linear(s, i.segment, s.gpr[CpuState.RSI] & i.addressMask);
      bytes = Math.min(bytes, 4096 - (from & 0xfff));
      source = c.memory.unchecked(i.segment) ? c.memory.direct(from, false) : -1;
    }
    bytes -= bytes % size;
    boolean spreads = moves && source < target && source + bytes > target;
    if (target < 0 || source < 0 || bytes <= 0 || spreads) {
      return 0;
    }
    if (moves) {
      MemorySegment.copy(c.memory.ram(), source, c.memory.ram(), target, bytes);
      advance(s, i, CpuState.RSI, bytes);
    } else {
      fill(c, target, bytes, size, s.gpr[CpuState.RAX]);
    }
    advance(s, i, CpuState.RDI, bytes);
    return bytes / size;
  }

  private static long linear(CpuState s, int segment, long offset) {
    return s.segmentBase[segment] + offset & s.linearMask;
  }

  private static void fill(Cpu c, long target, long bytes, int size, long value) {
    MemorySegment ram = c.memory.ram();
    long low = value << Arithmetic.shift(size) >>> Arithmetic.shift(size);
    long repeated = low & 0xff;
    if (size == 1
        || low
            == repeated * 0x0101_0101_0101_0101L
                << Arithmetic.shift(size)
                >>> Arithmetic.shift(size)) {
      ram.asSlice(target, bytes).fill((byte) value);
      return;
    }
    for (long at = target; at < target + bytes; at += size) {
      switch (size) {
        case 2 -> ram.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, (short) value);
        case 4 -> ram.set(ValueLayout.JAVA_INT_UNALIGNED, at, (int) value);
        default -> ram.set(ValueLayout.JAVA_LONG_UNALIGNED, at, value);
      }
    }
  }
}
