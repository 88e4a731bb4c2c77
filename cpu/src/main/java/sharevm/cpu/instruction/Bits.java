package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;

/** BT, BTS, BTR, BTC, BSF, BSR, POPCNT, CRC32, BSWAP, MOVBE (Intel SDM Vol. 1 5.1.6). */
final class Bits {
  /** The polynomial of CRC32 with its bits reversed (Intel SDM Vol. 2A CRC32: 11EDC6F41H). */
  private static final int CRC32C = 0x82f6_3b78;

  private Bits() {}

  static void bind(Semantics s) {
    s.put("BT", Bits::bt);
    s.put("BTS", (c, i) -> change(c, i, (state, shift, a, bit) -> a | bit));
    s.put("BTR", (c, i) -> change(c, i, (state, shift, a, bit) -> a & ~bit));
    s.put("BTC", (c, i) -> change(c, i, (state, shift, a, bit) -> a ^ bit));
    s.put("BSF", (c, i) -> scan(c, i, true));
    s.put("BSR", (c, i) -> scan(c, i, false));
    s.put("POPCNT", Bits::popcnt);
    s.put("CRC32", Bits::crc32);
    s.put("BSWAP", Bits::bswap);
    s.put("MOVBE", Bits::movbe);
  }

  private static long bitIndex(Cpu c, Instruction i) {
    int shift = Arithmetic.shift(i.size);
    return i.source == CpuState.ZERO
        ? i.immediate & 8L * i.size - 1
        : c.state.gpr[i.source] << shift >> shift;
  }

  /**
   * Returns how far from its address a memory operand lies, in bytes: a register's bit index
   * reaches anywhere.
   */
  private static long distance(Instruction i, long index) {
    return i.source == CpuState.ZERO
        ? 0
        : (index >> (i.size == 8 ? 6 : i.size == 4 ? 5 : 4)) * i.size;
  }

  private static void bt(Cpu c, Instruction i) {
    CpuState s = c.state;
    long index = bitIndex(c, i);
    long value =
        i.destination == Instruction.MEMORY
            ? c.memory.load(i.segment, i.address(s) + distance(i, index) & i.addressMask, i.size)
            : s.gpr[i.destination];
    Flags.cf(s, (value >>> (index & 8L * i.size - 1) & 1) != 0);
  }

  private static void change(Cpu c, Instruction i, Operands.Change change) {
    CpuState s = c.state;
    long index = bitIndex(c, i);
    long bit = 1L << (index & 8L * i.size - 1);
    if (i.destination != Instruction.MEMORY) {
      long value = s.gpr[i.destination];
      Flags.cf(s, (value & bit) != 0);
      s.r(i.destination, i.size, change.apply(s, 0, value, bit));
      return;
    }
    long offset = i.address(s) + distance(i, index) & i.addressMask;
    long value;
    if (i.lock) {
      do {
        value = c.memory.loadForUpdate(i.segment, offset, i.size);
      } while (!c.memory.compareAndSet(
          i.segment, offset, i.size, value, change.apply(s, 0, value, bit)));
    } else {
      value = c.memory.loadForUpdate(i.segment, offset, i.size);
      c.memory.update(i.size, change.apply(s, 0, value, bit));
    }
    Flags.cf(s, (value & bit) != 0);
  }

  /**
   * A zero source sets ZF and leaves the destination alone, as processors do though the manual
   * leaves it open.
   */
  private static void scan(Cpu c, Instruction i, boolean forward) {
    CpuState s = c.state;
    long value = Operands.read(c, i, i.source, i.size);
    if (value == 0) {
      Arithmetic.logic(s, 0, 0);
      if (i.size == 4) {
        s.r32(i.destination, s.r32(i.destination));
      }
      return;
    }
    int found = forward ? Long.numberOfTrailingZeros(value) : 63 - Long.numberOfLeadingZeros(value);
    Arithmetic.logic(s, 0, 1);
    s.r(i.destination, i.size, found);
  }

  private static void popcnt(Cpu c, Instruction i) {
    long value = Operands.read(c, i, i.source, i.size);
    int count = Long.bitCount(value);
    c.state.r(i.destination, i.size, count);
    Flags.status(c.state, value == 0 ? Flags.ZF : 0);
  }

  private static void crc32(Cpu c, Instruction i) {
    CpuState s = c.state;
    int bytes = i.opcode.code() == 0xf0 ? 1 : i.operandSize;
    long value = Operands.read(c, i, i.source, bytes);
    int crc = s.r32(i.destination);
    for (int n = 0; n < bytes; n++) {
      crc ^= (int) (value >>> 8 * n) & 0xff;
      for (int bit = 0; bit < 8; bit++) {
        crc = crc >>> 1 ^ (crc & 1) * CRC32C;
      }
    }
    s.r32(i.destination, crc);
  }

  private static void bswap(Cpu c, Instruction i) {
    CpuState s = c.state;
    switch (i.size) {
      case 8 -> s.gpr[i.destination] = Long.reverseBytes(s.gpr[i.destination]);
      case 4 -> s.r32(i.destination, Integer.reverseBytes(s.r32(i.destination)));
      default -> s.r16(i.destination, 0);
    }
  }

  /** With F3 undefined, alone among those that ignore it (Intel SDM Vol. 2B MOVBE). */
  private static void movbe(Cpu c, Instruction i) {
    if (i.repeat == Instruction.REP) {
      throw GuestFault.undefined();
    }
    long value = Operands.read(c, i, i.source, i.size);
    Operands.write(
        c, i, i.destination, i.size, Long.reverseBytes(value) >>> Arithmetic.shift(i.size));
  }
}
