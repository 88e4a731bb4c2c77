package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Instruction;

/** Moves to, from and between XMM registers, and the bitwise logic on them. */
final class SseMove {
  private SseMove() {}

  static void bind(Semantics semantics) {
    whole(semantics);
    parts(semantics);
    logic(semantics);
  }

  private static void whole(Semantics semantics) {
    for (String name :
        new String[] {"MOVAPS", "MOVAPD", "MOVDQA", "MOVNTPS", "MOVNTPD", "MOVNTDQ", "MOVNTDQA"}) {
      semantics.choose(
          name, i -> choose(i, SseMove::loadAligned, SseMove::storeAligned, SseMove::copy));
    }
    for (String name : new String[] {"MOVUPS", "MOVUPD", "MOVDQU", "LDDQU"}) {
      semantics.choose(name, i -> choose(i, SseMove::load, SseMove::store, SseMove::copy));
    }
  }

  private static void parts(Semantics semantics) {
    semantics.choose(
        "MOVSS", i -> choose(i, SseMove::loadInt, SseMove::storeInt, SseMove::copyInt));
    semantics.choose(
        "MOVSD", i -> choose(i, SseMove::loadLow, SseMove::storeLow, SseMove::copyLow));
    for (String name : new String[] {"MOVLPS", "MOVLPD"}) {
      semantics.choose(name, i -> choose(i, SseMove::mergeLow, SseMove::storeLow, null));
    }
    for (String name : new String[] {"MOVHPS", "MOVHPD"}) {
      semantics.choose(name, i -> choose(i, SseMove::mergeHigh, SseMove::storeHigh, null));
    }
    semantics.put("MOVHLPS", SseMove::highToLow);
    semantics.put("MOVLHPS", SseMove::lowToHigh);
    semantics.choose("MOVD", i -> MmxMove.onMmx(i) ? MmxMove.doubleword(i) : doubleword(i));
    semantics.choose(
        "MOVQ",
        i ->
            MmxMove.onMmx(i)
                ? MmxMove.quadword(i)
                : choose(i, SseMove::loadLow, SseMove::storeLow, SseMove::extendLow));
    semantics.put("MOVNTI", (cpu, i) -> cpu.memory.store(i, i.size, cpu.state.gpr[i.source]));
    semantics.put("MASKMOVDQU", SseMove::maskedStore);
    semantics.put("MOVMSKPS", SseMove::signsOfSingles);
    semantics.put("MOVMSKPD", SseMove::signsOfDoubles);
    semantics.choose(
        "PMOVMSKB", i -> MmxAccess.isMmx(i, 1) ? MmxMove::signsOfBytes : SseMove::signsOfBytes);
  }

  private static Operation choose(Instruction i, Operation load, Operation store, Operation copy) {
    return !i.memory ? copy : i.source == Instruction.MEMORY ? load : store;
  }

  private static void load(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    s.xmmLow(i.destination, cpu.memory.load128(i));
    s.xmmHigh(i.destination, cpu.memory.high128());
  }

  private static void loadAligned(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    s.xmmLow(i.destination, cpu.memory.loadAligned128(i));
    s.xmmHigh(i.destination, cpu.memory.high128());
  }

  private static void store(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    cpu.memory.store128(i, s.xmmLow(i.source), s.xmmHigh(i.source));
  }

  private static void storeAligned(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    cpu.memory.storeAligned128(i, s.xmmLow(i.source), s.xmmHigh(i.source));
  }

  private static void copy(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    s.xmmLow(i.destination, s.xmmLow(i.source));
    s.xmmHigh(i.destination, s.xmmHigh(i.source));
  }

  private static void loadInt(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    SseAccess.set(cpu.state, i.destination, cpu.memory.load32(i) & 0xffff_ffffL, 0);
  }

  private static void storeInt(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    cpu.memory.store32(i, cpu.state.xmmInt(i.source));
  }

  private static void copyInt(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    cpu.state.xmmInt(i.destination, cpu.state.xmmInt(i.source));
  }

  private static void loadLow(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    SseAccess.set(cpu.state, i.destination, cpu.memory.load64(i), 0);
  }

  private static void storeLow(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    cpu.memory.store64(i, cpu.state.xmmLow(i.source));
  }

  private static void copyLow(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    cpu.state.xmmLow(i.destination, cpu.state.xmmLow(i.source));
  }

  private static void extendLow(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    SseAccess.set(cpu.state, i.destination, cpu.state.xmmLow(i.source), 0);
  }

  private static void mergeLow(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    cpu.state.xmmLow(i.destination, cpu.memory.load64(i));
  }

  private static void mergeHigh(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    cpu.state.xmmHigh(i.destination, cpu.memory.load64(i));
  }

  private static void storeHigh(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    cpu.memory.store64(i, cpu.state.xmmHigh(i.source));
  }

  private static void highToLow(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    cpu.state.xmmLow(i.destination, cpu.state.xmmHigh(i.source));
  }

  private static void lowToHigh(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    cpu.state.xmmHigh(i.destination, cpu.state.xmmLow(i.source));
  }

  /** MOVD and, with REX.W, MOVQ between an XMM register and a general register or memory. */
  private static Operation doubleword(Instruction i) {
    boolean toXmm = i.opcode.operandNames().getFirst().equals("xmm");
    if (i.memory) {
      return choose(
          i,
          i.rexW ? SseMove::loadLow : SseMove::loadInt,
          i.rexW ? SseMove::storeLow : SseMove::storeInt,
          null);
    }
    return toXmm ? SseMove::fromGeneral : SseMove::toGeneral;
  }

  private static void fromGeneral(Cpu cpu, Instruction i) {
    FloatGuard.sse(cpu.state);
    SseAccess.set(cpu.state, i.destination, cpu.state.r(i.source, i.size), 0);
  }

  private static void toGeneral(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    s.r(i.destination, i.size, s.xmmLow(i.source));
  }

  private static void maskedStore(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    long offset = s.gpr[CpuState.RDI] & i.addressMask;
    cpu.memory.probeWrite(i.segment, offset, 16);
    MmxMove.storeMasked(cpu, i, offset, s.xmmLow(i.destination), s.xmmLow(i.source));
    MmxMove.storeMasked(cpu, i, offset + 8, s.xmmHigh(i.destination), s.xmmHigh(i.source));
  }

  private static void signsOfSingles(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    long low = s.xmmLow(i.source);
    long high = s.xmmHigh(i.source);
    long signs = low >>> 31 & 1 | low >>> 62 & 2 | high >>> 29 & 4 | high >>> 60 & 8;
    s.r32(i.destination, (int) signs);
  }

  private static void signsOfDoubles(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    s.r32(i.destination, (int) (s.xmmLow(i.source) >>> 63 | s.xmmHigh(i.source) >>> 62 & 2));
  }

  private static void signsOfBytes(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    int low = MmxMove.signsOfBytes(s.xmmLow(i.source));
    s.r32(i.destination, low | MmxMove.signsOfBytes(s.xmmHigh(i.source)) << 8);
  }

  private static void logic(Semantics semantics) {
    for (String name : new String[] {"ANDPS", "ANDPD"}) {
      semantics.choose(name, i -> i.memory ? SseMove::andMemory : SseMove::and);
    }
    for (String name : new String[] {"ANDNPS", "ANDNPD"}) {
      semantics.choose(name, i -> i.memory ? SseMove::andNotMemory : SseMove::andNot);
    }
    for (String name : new String[] {"ORPS", "ORPD"}) {
      semantics.choose(name, i -> i.memory ? SseMove::orMemory : SseMove::or);
    }
    for (String name : new String[] {"XORPS", "XORPD"}) {
      semantics.choose(name, i -> i.memory ? SseMove::xorMemory : SseMove::xor);
    }
    semantics.choose(
        "PAND", i -> integerLogic(i, IntegerLanes::and, SseMove::and, SseMove::andMemory));
    semantics.choose(
        "PANDN",
        i -> integerLogic(i, IntegerLanes::andNot, SseMove::andNot, SseMove::andNotMemory));
    semantics.choose("POR", i -> integerLogic(i, IntegerLanes::or, SseMove::or, SseMove::orMemory));
    semantics.choose(
        "PXOR", i -> integerLogic(i, IntegerLanes::xor, SseMove::xor, SseMove::xorMemory));
  }

  private static Operation integerLogic(
      Instruction i, IntegerVector.Lanes lanes, Operation register, Operation memory) {
    if (MmxAccess.isMmx(i, 0)) {
      return IntegerVector.mmx(lanes);
    }
    return i.memory ? memory : register;
  }

  private static void and(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    s.xmmLow(i.destination, s.xmmLow(i.destination) & s.xmmLow(i.source));
    s.xmmHigh(i.destination, s.xmmHigh(i.destination) & s.xmmHigh(i.source));
  }

  private static void andMemory(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    s.xmmLow(i.destination, cpu.memory.loadAligned128(i) & s.xmmLow(i.destination));
    s.xmmHigh(i.destination, cpu.memory.high128() & s.xmmHigh(i.destination));
  }

  private static void andNot(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    s.xmmLow(i.destination, ~s.xmmLow(i.destination) & s.xmmLow(i.source));
    s.xmmHigh(i.destination, ~s.xmmHigh(i.destination) & s.xmmHigh(i.source));
  }

  private static void andNotMemory(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    s.xmmLow(i.destination, cpu.memory.loadAligned128(i) & ~s.xmmLow(i.destination));
    s.xmmHigh(i.destination, cpu.memory.high128() & ~s.xmmHigh(i.destination));
  }

  private static void or(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    s.xmmLow(i.destination, s.xmmLow(i.destination) | s.xmmLow(i.source));
    s.xmmHigh(i.destination, s.xmmHigh(i.destination) | s.xmmHigh(i.source));
  }

  private static void orMemory(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    s.xmmLow(i.destination, cpu.memory.loadAligned128(i) | s.xmmLow(i.destination));
    s.xmmHigh(i.destination, cpu.memory.high128() | s.xmmHigh(i.destination));
  }

  private static void xor(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    s.xmmLow(i.destination, s.xmmLow(i.destination) ^ s.xmmLow(i.source));
    s.xmmHigh(i.destination, s.xmmHigh(i.destination) ^ s.xmmHigh(i.source));
  }

  private static void xorMemory(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    s.xmmLow(i.destination, cpu.memory.loadAligned128(i) ^ s.xmmLow(i.destination));
    s.xmmHigh(i.destination, cpu.memory.high128() ^ s.xmmHigh(i.destination));
  }
}
