package sharevm.cpu.real;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.ValueLayout;
import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.decode.Decoder;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;
import sharevm.cpu.instruction.Semantics;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.OpcodeTable;

/** Our processor, executing the same single instructions as {@code host_fpu.c}. */
final class FloatProcessor {
  private static final int MEMORY = 0x1000;
  private static final int CODE = 640;
  private static final int RFLAGS = 672;
  private static final int MXCSR = 24;

  /** The flags that arithmetic changes. */
  static final int STATUS_FLAGS = 0x8d5;

  private final OpcodeTable table = OpcodeTable.load();
  private final Decoder decoder = new Decoder(table, new Semantics());
  private final TestBus bus = new TestBus(0x4000);
  private final Cpu cpu = bus.processor();

  FloatProcessor() {
    cpu.state.cr0 |= Control.CR0_PE | Control.CR0_NE;
    cpu.state.cr4 |= Control.CR4_OSFXSR | Control.CR4_OSXMMEXCPT;
    cpu.contextChanged();
  }

  OpcodeTable table() {
    return table;
  }

  /** Executes a case, which must decode as the row, and returns the state after it. */
  FpuCase execute(Opcode row, FpuCase in) {
    byte[] code = new byte[Decoder.MAX_LENGTH];
    in.bytes.get(CODE, code);
    assertThat(decoder.decode(code, 0, code.length, 8, 0)).isEqualTo(Decoder.Outcome.DECODED);
    Instruction instruction = decoder.instruction();
    assertThat(instruction.opcode).isSameAs(row);
    load(in);
    FpuCase out = new FpuCase();
    try {
      instruction.operation.execute(cpu, instruction);
    } catch (GuestFault fault) {
      out.signal(fault.vector());
    }
    save(out);
    return out;
  }

  private void load(FpuCase in) {
    CpuState s = cpu.state;
    long[] words = new long[X87State.LEGACY_WORDS];
    for (int n = 0; n < words.length; n++) {
      words[n] = in.bytes.getLong(8 * n);
    }
    s.x87.setLegacy(words, true);
    s.mxcsr(in.mxcsr());
    for (int n = 0; n < 16; n++) {
      s.xmmLow(n, in.xmmLow(n));
      s.xmmHigh(n, in.xmmHigh(n));
    }
    s.gpr[CpuState.RAX] = in.rax();
    s.gpr[CpuState.RDI] = MEMORY;
    s.rflags(in.flags());
    for (int offset = 0; offset < 128; offset += 8) {
      bus.ram().set(ValueLayout.JAVA_LONG_UNALIGNED, MEMORY + offset, in.memory(offset));
    }
  }

  private void save(FpuCase out) {
    CpuState s = cpu.state;
    for (int n = 0; n < X87State.LEGACY_WORDS; n++) {
      out.bytes.putLong(8 * n, s.x87.legacyWord(n, true));
    }
    out.bytes.putInt(MXCSR, s.mxcsr());
    for (int n = 0; n < 16; n++) {
      out.xmm(n, s.xmmLow(n), s.xmmHigh(n));
    }
    out.rax(s.gpr[CpuState.RAX]);
    out.bytes.putLong(RFLAGS, s.rflags());
    for (int offset = 0; offset < 128; offset += 8) {
      out.memory(offset, bus.ram().get(ValueLayout.JAVA_LONG_UNALIGNED, MEMORY + offset));
    }
  }

  /** Whether two states are the same, but for what lies in memory. */
  static boolean same(FpuCase a, FpuCase b) {
    boolean same =
        a.control() == b.control()
            && a.status() == b.status()
            && a.tags() == b.tags()
            && ((a.flags() ^ b.flags()) & STATUS_FLAGS) == 0
            && a.rax() == b.rax()
            && a.mxcsr() == b.mxcsr()
            && a.signaled() == b.signaled();
    for (int i = 0; i < 8 && same; i++) {
      same = a.significand(i) == b.significand(i) && a.signExponent(i) == b.signExponent(i);
    }
    for (int i = 0; i < 16 && same; i++) {
      same = a.xmmLow(i) == b.xmmLow(i) && a.xmmHigh(i) == b.xmmHigh(i);
    }
    return same;
  }

  /** Whether memory is the same from an offset on. */
  static boolean sameMemory(FpuCase a, FpuCase b, int from) {
    boolean same = true;
    for (int offset = from; offset < 128; offset += 4) {
      same &= a.bytes.getInt(512 + offset) == b.bytes.getInt(512 + offset);
    }
    return same;
  }

  /** The control part of a state in one line: everything but XMM registers and memory. */
  static String describe(FpuCase one) {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            "fault=%s control=%04x status=%04x tags=%02x flags=%03x rax=%x%n",
            one.signaled(),
            one.control(),
            one.status(),
            one.tags(),
            one.flags() & STATUS_FLAGS,
            one.rax()));
    for (int i = 0; i < 8; i++) {
      text.append(String.format("st%d=%04x:%016x ", i, one.signExponent(i), one.significand(i)));
    }
    return text.append(String.format("%n")).toString();
  }
}
