package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Instruction;

/** Inserting and extracting one element, and what finds or tests elements. */
final class SseElement {
  private SseElement() {}

  static void bind(Semantics semantics) {
    semantics.put("PINSRB", (cpu, i) -> insert(cpu, i, 1));
    semantics.choose("PINSRW", i -> MmxAccess.isMmx(i, 0) ? SseElement::insertMmx : insertWord());
    semantics.put("PINSRD", (cpu, i) -> insert(cpu, i, i.size));
    semantics.put("PEXTRB", (cpu, i) -> extract(cpu, i, 1, 4));
    semantics.choose(
        "PEXTRW",
        i -> MmxAccess.isMmx(i, 1) ? SseElement::extractMmx : (cpu, j) -> extract(cpu, j, 2, 4));
    semantics.put("PEXTRD", (cpu, i) -> extract(cpu, i, i.size, i.size));
    semantics.put("EXTRACTPS", (cpu, i) -> extract(cpu, i, 4, 4));
    semantics.put("INSERTPS", SseElement::insertSingle);
    semantics.put("PTEST", SseElement::test);
    semantics.put("PHMINPOSUW", SseElement::leastWord);
    semantics.put("MPSADBW", SseElement::sumsOfDifferences);
  }

  private static Operation insertWord() {
    return (cpu, i) -> insert(cpu, i, 2);
  }

  private static long mask(int bytes) {
    return -1L >>> 64 - 8 * bytes;
  }

  /** Replaces the element of some bytes that the immediate names. */
  private static void insert(Cpu cpu, Instruction i, int bytes) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    long value = i.memory ? cpu.memory.load(i, bytes) : s.gpr[i.source] & mask(bytes);
    int at = (int) i.immediate * bytes & 15;
    int shift = 8 * (at & 7);
    long keep = ~(mask(bytes) << shift);
    if (at < 8) {
      s.xmmLow(i.destination, s.xmmLow(i.destination) & keep | value << shift);
    } else {
      s.xmmHigh(i.destination, s.xmmHigh(i.destination) & keep | value << shift);
    }
  }

  private static void insertMmx(Cpu cpu, Instruction i) {
    FloatGuard.mmx(cpu);
    long value = i.memory ? cpu.memory.load16(i) : cpu.state.r16(i.source);
    int shift = 16 * ((int) i.immediate & 3);
    long rest = MmxAccess.get(cpu, i.destination) & ~(0xffffL << shift);
    MmxAccess.set(cpu, i.destination, rest | value << shift);
  }

  /** Stores the element of some bytes that the immediate names, zero-extended in a register. */
  private static void extract(Cpu cpu, Instruction i, int bytes, int registerSize) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    int at = (int) i.immediate * bytes & 15;
    long half = at < 8 ? s.xmmLow(i.source) : s.xmmHigh(i.source);
    long value = half >>> 8 * (at & 7) & mask(bytes);
    if (i.memory) {
      cpu.memory.store(i, bytes, value);
    } else {
      s.r(i.destination, registerSize, value);
    }
  }

  private static void extractMmx(Cpu cpu, Instruction i) {
    FloatGuard.mmx(cpu);
    long value = MmxAccess.get(cpu, i.source) >>> 16 * ((int) i.immediate & 3);
    cpu.state.r32(i.destination, (int) value & 0xffff);
    MmxAccess.enter(cpu);
  }

  /**
   * INSERTPS: bits 7:6 of the immediate choose the source's element, 5:4 the place, 3:0 what
   * becomes zero.
   */
  private static void insertSingle(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    int n = (int) i.immediate;
    long value =
        i.memory
            ? cpu.memory.load32(i) & 0xffff_ffffL
            : SseShuffle.pick(s.xmmLow(i.source), s.xmmHigh(i.source), n >> 6);
    long low = s.xmmLow(i.destination);
    long high = s.xmmHigh(i.destination);
    int shift = 32 * (n >> 4 & 1);
    long keep = ~(0xffff_ffffL << shift);
    if ((n & 0x20) == 0) {
      low = low & keep | value << shift;
    } else {
      high = high & keep | value << shift;
    }
    low &= kept(n);
    high &= kept(n >> 2);
    SseAccess.set(s, i.destination, low, high);
  }

  private static long kept(int zeros) {
    return ((zeros & 1) != 0 ? 0 : 0xffff_ffffL) | ((zeros & 2) != 0 ? 0 : 0xffff_ffffL << 32);
  }

  private static void test(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    long low = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
    long high = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
    long aLow = s.xmmLow(i.destination);
    long aHigh = s.xmmHigh(i.destination);
    boolean disjoint = (low & aLow | high & aHigh) == 0;
    boolean covered = (low & ~aLow | high & ~aHigh) == 0;
    Flags.status(s, (disjoint ? Flags.ZF : 0) | (covered ? Flags.CF : 0));
  }

  /** PHMINPOSUW: the least of eight unsigned words, and its number. */
  private static void leastWord(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    long low = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
    long high = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
    long least = Long.MAX_VALUE;
    int position = 0;
    for (int n = 0; n < 8; n++) {
      long word = (n < 4 ? low : high) >>> 16 * (n & 3) & 0xffff;
      if (word < least) {
        least = word;
        position = n;
      }
    }
    SseAccess.set(s, i.destination, least | (long) position << 16, 0);
  }

  /**
   * MPSADBW: sums of absolute differences of four bytes of the source and eight quadruples of the
   * destination.
   */
  private static void sumsOfDifferences(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    long low = i.memory ? cpu.memory.loadAligned128(i) : s.xmmLow(i.source);
    long high = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
    int n = (int) i.immediate;
    long block = SseShuffle.pick(low, high, n);
    long aLow = s.xmmLow(i.destination);
    long aHigh = s.xmmHigh(i.destination);
    int from = n & 4;
    SseAccess.set(
        s, i.destination, sums(aLow, aHigh, from, block), sums(aLow, aHigh, from + 4, block));
  }

  private static long sums(long low, long high, int from, long block) {
    long result = 0;
    for (int k = 0; k < 4; k++) {
      long sum = 0;
      for (int b = 0; b < 4; b++) {
        int at = from + k + b;
        long x = (at < 8 ? low : high) >>> 8 * (at & 7) & 0xff;
        sum += Math.abs(x - (block >>> 8 * b & 0xff));
      }
      result |= sum << 16 * k;
    }
    return result;
  }
}
