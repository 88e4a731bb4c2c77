package sharevm.lab.segmented;

import java.util.SplittableRandom;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;

/** String instructions, with or without REP, of all sizes and directions. */
final class StringPieces {
  private static final int[] OPCODES = {0xa4, 0xa5, 0xaa, 0xab, 0xac, 0xad, 0xa6, 0xa7, 0xae, 0xaf};

  private static final int[] SOURCES = {
    CpuState.DS,
    CpuState.DS,
    CpuState.DS,
    CpuState.ES,
    CpuState.SS,
    CpuState.FS,
    CpuState.GS,
    CpuState.CS
  };

  private final Emitter emitter;
  private final Operands operands;

  StringPieces(Emitter emitter, Operands operands) {
    this.emitter = emitter;
    this.operands = operands;
  }

  void any(SplittableRandom random) {
    int opcode = OPCODES[random.nextInt(OPCODES.length)];
    int source = SOURCES[random.nextInt(SOURCES.length)];
    boolean narrow = emitter.size == 2 ^ random.nextInt(5) == 0;
    narrow &= operands.current[CpuState.ES].narrow() != null;
    boolean compares = opcode >= 0xae || opcode == 0xa6 || opcode == 0xa7;
    boolean repeats = random.nextInt(3) != 0;
    boolean down = random.nextInt(8) == 0;
    set(CpuState.RSI, source, narrow, random);
    set(CpuState.RDI, CpuState.ES, narrow, random);
    if (repeats) {
      int count = random.nextInt(4) == 0 ? random.nextInt(500) : random.nextInt(9);
      register(CpuState.RCX, count, narrow, random);
    }
    emitter.flags.want(compares ? Flags.STATUS : 0);
    if (down) {
      emitter.code.put(0xfd);
    }
    if (source != CpuState.DS || random.nextInt(10) == 0) {
      emitter.code.put(Emitter.prefix(source));
    }
    if (narrow != (emitter.size == 2)) {
      emitter.code.put(Emitter.ADDRESS_SIZE);
    }
    if (repeats) {
      emitter.code.put(random.nextInt(6) == 0 ? 0xf2 : 0xf3);
    }
    emitter.sized(random.nextInt(3) == 0 ? emitter.otherSize() : emitter.size, opcode);
    if (down) {
      emitter.code.put(0xfc);
    }
    operands.setPointer(CpuState.RDI, random);
  }

  private void set(int register, int segment, boolean narrow, SplittableRandom random) {
    GuestSegment.Range range =
        narrow ? operands.current[segment].narrow() : operands.current[segment].wide();
    long place = 0;
    if (range != null) {
      boolean atEnd = random.nextInt(6) == 0 && segment != CpuState.CS;
      place = atEnd ? range.high() - random.nextInt(64) : operands.place(segment, narrow, random);
    }
    register(register, place, narrow, random);
  }

  /** Sets a register; what a 16-bit address leaves out may be anything. */
  private void register(int register, long value, boolean narrow, SplittableRandom random) {
    if (narrow && random.nextBoolean()) {
      emitter.constant(register, value & Emitter.FULL, 2);
    } else {
      long high = narrow ? random.nextLong() << 16 : 0;
      emitter.constant(register, value | high, 4);
    }
  }
}
