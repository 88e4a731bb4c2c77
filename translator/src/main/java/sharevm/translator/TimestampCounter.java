package sharevm.translator;

import static sharevm.translator.Assembler.EQUAL;
import static sharevm.translator.Assembler.R8;
import static sharevm.translator.Assembler.RAX;
import static sharevm.translator.Assembler.RCX;
import static sharevm.translator.Assembler.RDI;
import static sharevm.translator.Assembler.RDX;
import static sharevm.translator.Assembler.RSI;
import static sharevm.translator.Assembler.RSP;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Timestamp;
import sharevm.cpu.decode.Instruction;
import sharevm.host.MonotonicClock;
import sharevm.translator.Assembler.Code;
import sharevm.translator.Tuning.Means;

/**
 * RDTSC and RDTSCP, where the counter follows the host's clock: code calls the C library's {@code
 * clock_gettime} itself, which takes a tenth of the time that a way through Java does.
 */
final class TimestampCounter {
  /** Registers that a C function may change, beside RAX and RDX. */
  private static final int[] CALLER_SAVED = {RCX, RSI, RDI, R8, 9, 10, 11};

  private static final int SECOND = 1_000_000_000;

  /** Bits of {@link Context#TSC_READABLE}: for supervisor code, for user code. */
  private static final int SUPERVISOR = 1;

  private static final int USER = 2;

  private final Cpu cpu;
  private final long function;

  /** Lets code read a processor's counter, as far as the host and a tuning allow. */
  TimestampCounter(Cpu cpu, Tuning tuning) {
    this.cpu = cpu;
    this.function = tuning.has(Means.CLOCK) ? MonotonicClock.function().orElse(0) : 0;
    cpu.state.shared.set(ValueLayout.JAVA_LONG, Context.CLOCK_FUNCTION, function);
  }

  /** Tells code how to read the counter now. */
  void enter() {
    CpuState s = cpu.state;
    MemorySegment shared = s.shared;
    long ahead = function == 0 ? Timestamp.NOT_OF_HOST : cpu.timestampAheadOfHost();
    int readable = ahead == Timestamp.NOT_OF_HOST ? 0 : SUPERVISOR | USER;
    if ((s.cr4 & Control.CR4_TSD) != 0) {
      readable &= ~USER;
    }
    shared.set(ValueLayout.JAVA_INT, Context.TSC_READABLE, readable);
    shared.set(ValueLayout.JAVA_LONG, Context.TSC_AHEAD, ahead);
    shared.set(ValueLayout.JAVA_INT, Context.TSC_AUX, (int) s.msr.tscAux);
  }

  /** Emits RDTSC or RDTSCP. */
  static void emit(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    t.freeFlags();
    int wanted = ModeKey.isUser(t.modeKey()) ? USER : SUPERVISOR;
    a.memory(new Code(0, false, false, 0, 0, 0xf6), 0, Context.at(Context.TSC_READABLE));
    a.byte1(wanted);
    t.leaveToJavaIf(EQUAL);
    t.callTimestamp();
    if (i.opcode.mnemonic().equals("RDTSCP")) {
      a.load32(RCX, Context.at(Context.TSC_AUX));
    }
  }

  /**
   * Emits what reads the counter into EDX and EAX.
   *
   * @param moveVectors emits moves of all vector registers to where they are at home (false), or
   *     back
   */
  static int emitStub(Assembler a, Vectors moveVectors) {
    int start = a.position();
    for (int register : CALLER_SAVED) {
      a.store(Context.register(register), register);
    }
    Stubs.ifLive(a, Context.XMM_LIVE, () -> moveVectors.emit(false));
    a.arithmetic(true, 5, RSP, 8);
    a.constant(RDI, MonotonicClock.NUMBER);
    a.lea(RSI, Context.at(Context.TIME));
    a.memory(Code.of(0xff), 2, Context.at(Context.CLOCK_FUNCTION));
    a.arithmetic(true, 0, RSP, 8);
    Stubs.ifLive(a, Context.XMM_LIVE, () -> moveVectors.emit(true));
    for (int register : CALLER_SAVED) {
      a.load(register, Context.register(register));
    }
    a.memory(Code.wide(0x69), RAX, Context.at(Context.TIME));
    a.byte4(SECOND);
    a.memory(Code.wide(0x03), RAX, Context.at(Context.TIME + 8));
    a.memory(Code.wide(0x03), RAX, Context.at(Context.TSC_AHEAD));
    a.move(RDX, RAX);
    a.registers(Code.wide(0xc1), 5, RDX);
    a.byte1(32);
    a.registers(Code.of(0x89), RAX, RAX);
    a.byte1(0xc3);
    return start;
  }

  /** Emits moves of the vector registers. */
  @FunctionalInterface
  interface Vectors {
    /** Emits loads, or stores. */
    void emit(boolean loads);
  }
}
