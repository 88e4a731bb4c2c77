package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Instruction;

/** Moves to, from and between MMX registers. */
final class MmxMove {
  /** The least significant bit of each byte. */
  private static final long ONES = 0x0101_0101_0101_0101L;

  /** Gathers bit 0 of each byte, byte 0's into bit 56, the others' above it. */
  private static final long GATHER = 0x0102_0408_1020_4080L;

  private MmxMove() {}

  static void bind(Semantics semantics) {
    semantics.put("MOVNTQ", MmxMove::store);
    semantics.put("MASKMOVQ", MmxMove::maskedStore);
    semantics.put("MOVQ2DQ", MmxMove::toXmm);
    semantics.put("MOVDQ2Q", MmxMove::fromXmm);
    semantics.put("EMMS", MmxMove::empty);
  }

  /** Returns whether an instruction that XMM registers have too is on MMX registers. */
  static boolean onMmx(Instruction i) {
    return MmxAccess.isMmx(i, 0) || i.opcode.operands().size() > 1 && MmxAccess.isMmx(i, 1);
  }

  /** MOVD and, with REX.W, MOVQ between an MMX register and a general register or memory. */
  static Operation doubleword(Instruction i) {
    return MmxAccess.isMmx(i, 0) ? MmxMove::fromGeneral : MmxMove::toGeneral;
  }

  /** MOVQ between MMX registers and memory. */
  static Operation quadword(Instruction i) {
    return i.destination == Instruction.MEMORY ? MmxMove::store : MmxMove::load;
  }

  private static void fromGeneral(Cpu cpu, Instruction i) {
    FloatGuard.mmx(cpu);
    long value = i.memory ? cpu.memory.load(i, i.size) : cpu.state.r(i.source, i.size);
    MmxAccess.set(cpu, i.destination, value);
  }

  private static void toGeneral(Cpu cpu, Instruction i) {
    FloatGuard.mmx(cpu);
    long value = MmxAccess.get(cpu, i.source);
    if (i.memory) {
      cpu.memory.store(i, i.size, value);
    } else {
      cpu.state.r(i.destination, i.size, value);
    }
    MmxAccess.enter(cpu);
  }

  private static void load(Cpu cpu, Instruction i) {
    FloatGuard.mmx(cpu);
    MmxAccess.set(cpu, i.destination, MmxAccess.source(cpu, i));
  }

  private static void store(Cpu cpu, Instruction i) {
    FloatGuard.mmx(cpu);
    cpu.memory.store64(i, MmxAccess.get(cpu, i.source));
    MmxAccess.enter(cpu);
  }

  private static void toXmm(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    FloatGuard.mmx(cpu);
    SseAccess.set(cpu.state, i.destination, MmxAccess.get(cpu, i.source), 0);
    MmxAccess.enter(cpu);
  }

  private static void fromXmm(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    FloatGuard.mmx(cpu);
    MmxAccess.set(cpu, i.destination, cpu.state.xmmLow(i.source));
  }

  private static void empty(Cpu cpu, Instruction i) {
    FloatGuard.mmx(cpu);
    MmxAccess.enter(cpu);
    cpu.state.x87.emptyAll();
  }

  static void signsOfBytes(Cpu cpu, Instruction i) {
    FloatGuard.mmx(cpu);
    cpu.state.r32(i.destination, signsOfBytes(MmxAccess.get(cpu, i.source)));
    MmxAccess.enter(cpu);
  }

  /** Returns the most significant bits of eight bytes, byte 0's in bit 0. */
  static int signsOfBytes(long bytes) {
    return (int) ((bytes >>> 7 & ONES) * GATHER >>> 56);
  }

  /**
   * The unit is in MMX state even when the store faults, as on processors; executed again, it makes
   * no difference.
   */
  private static void maskedStore(Cpu cpu, Instruction i) {
    FloatGuard.mmx(cpu);
    MmxAccess.enter(cpu);
    long offset = cpu.state.gpr[CpuState.RDI] & i.addressMask;
    cpu.memory.probeWrite(i.segment, offset, 8);
    storeMasked(cpu, i, offset, MmxAccess.get(cpu, i.destination), MmxAccess.get(cpu, i.source));
  }

  /**
   * Stores those of eight bytes whose mask byte has its sign bit set, where all eight can be
   * written.
   */
  static void storeMasked(Cpu cpu, Instruction i, long offset, long value, long mask) {
    for (int n = 0; n < 8; n++) {
      if ((mask >>> 8 * n & 0x80) != 0) {
        cpu.memory.store8(i.segment, offset + n, (int) (value >>> 8 * n) & 0xff);
      }
    }
  }
}
