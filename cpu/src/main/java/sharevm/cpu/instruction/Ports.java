package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.Breakpoints;
import sharevm.cpu.event.GuestFault;

/** IN, OUT, INS, OUTS and the permission to use a port (Intel SDM Vol. 1 chapter 19). */
final class Ports {
  /**
   * Offset of the I/O map base in a 32-bit and a 64-bit TSS (Intel SDM Vol. 3A figures 7-2 and
   * 7-11).
   */
  private static final int IO_MAP_BASE = 102;

  /** How many items of a repeated instruction are moved before interrupts are looked for. */
  private static final int CHUNK = 256;

  private Ports() {}

  static void bind(Semantics s) {
    s.put("IN", Ports::in);
    s.put("OUT", Ports::out);
    s.put("INS", Ports::ins);
    s.put("OUTS", Ports::outs);
  }

  /** Checks that the program may use the ports from {@code port} on (Intel SDM Vol. 1 19.5). */
  static void check(Cpu cpu, int port, int size) {
    CpuState s = cpu.state;
    if (!s.protectedMode()) {
      return;
    }
    int iopl = (s.flagsSystem & Flags.IOPL) >> Flags.IOPL_SHIFT;
    if (s.cpl <= iopl && !s.virtual8086()) {
      return;
    }
    int type = s.segmentAttributes[CpuState.TR] & 0x1f;
    long limit = s.segmentLimit[CpuState.TR] & 0xffff_ffffL;
    boolean hasMap = (type & 0x1d) == 9 && limit >= IO_MAP_BASE + 1;
    if (!hasMap || !allowed(cpu, port, size, limit)) {
      throw GuestFault.generalProtection();
    }
  }

  /** The processor always reads two bytes of the map (Intel SDM Vol. 1 19.5.2). */
  private static boolean allowed(Cpu cpu, int port, int size, long limit) {
    long tss = cpu.state.segmentBase[CpuState.TR];
    long at = cpu.memory.loadSystem(tss + IO_MAP_BASE, 2) + (port >>> 3);
    if (at + 1 > limit) {
      return false;
    }
    long bits = cpu.memory.loadSystem(tss + at, 2) >>> (port & 7);
    return (bits & (1 << size) - 1) == 0;
  }

  private static int size(Instruction i) {
    return (i.opcode.code() & 1) == 0 ? 1 : Math.min(i.operandSize, 4);
  }

  private static int port(CpuState s, Instruction i) {
    return (i.opcode.code() & 8) == 0 ? (int) i.immediate & 0xff : s.r16(CpuState.RDX);
  }

  private static void in(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    int size = size(i);
    int port = port(s, i);
    check(cpu, port, size);
    int value = cpu.bus.in(port, size);
    Breakpoints.port(s, port, size);
    switch (size) {
      case 1 -> s.r8(CpuState.RAX, value);
      case 2 -> s.r16(CpuState.RAX, value);
      default -> s.r32(CpuState.RAX, value);
    }
  }

  private static void out(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    int size = size(i);
    int port = port(s, i);
    check(cpu, port, size);
    int value = s.r32(CpuState.RAX) & (size == 4 ? -1 : (1 << 8 * size) - 1);
    cpu.bus.out(port, size, value);
    Breakpoints.port(s, port, size);
  }

  private static void ins(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    int size = size(i);
    int port = s.r16(CpuState.RDX);
    check(cpu, port, size);
    Breakpoints.port(s, port, size);
    int segment = s.code64 ? CpuState.FLAT : CpuState.ES;
    repeat(
        cpu,
        i,
        CpuState.RDI,
        size,
        offset -> {
          cpu.memory.probeWrite(segment, offset, size);
          cpu.memory.store(segment, offset, size, cpu.bus.in(port, size));
        });
  }

  private static void outs(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    int size = size(i);
    int port = s.r16(CpuState.RDX);
    check(cpu, port, size);
    Breakpoints.port(s, port, size);
    repeat(
        cpu,
        i,
        CpuState.RSI,
        size,
        offset -> cpu.bus.out(port, size, (int) cpu.memory.load(i.segment, offset, size)));
  }

  /** Moves one item. */
  @FunctionalInterface
  private interface Move {
    void at(long offset);
  }

  /**
   * Moves items, keeping the registers up to date after each, so that a fault or interrupt leaves a
   * state to resume from.
   */
  private static void repeat(Cpu cpu, Instruction i, int pointer, int size, Move move) {
    CpuState s = cpu.state;
    int width = i.addressSize;
    long step = (s.flagsSystem & Flags.DF) != 0 ? -size : size;
    if (i.repeat == Instruction.NO_REPEAT) {
      move.at(s.r(pointer, width));
      s.r(pointer, width, s.r(pointer, width) + step);
      return;
    }
    int left = cpu.events.single() ? 1 : CHUNK;
    while (s.r(CpuState.RCX, width) != 0) {
      if (left-- == 0) {
        s.rip = i.ownRip(s);
        return;
      }
      move.at(s.r(pointer, width));
      s.r(pointer, width, s.r(pointer, width) + step);
      s.r(CpuState.RCX, width, s.r(CpuState.RCX, width) - 1);
    }
  }
}
