package sharevm.cpu.instruction;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuModel;
import sharevm.cpu.CpuState;
import sharevm.cpu.Segment;
import sharevm.cpu.decode.Decoder;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;
import sharevm.cpu.opcode.OpcodeTable;
import sharevm.cpu.real.TestBus;

/** A processor without paging that executes 64-bit instructions given as bytes, one at a time. */
final class SingleSteps {
  /** What {@link #run} returns when an instruction was completed. */
  static final int COMPLETED = -1;

  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

  private final Decoder decoder = new Decoder(OpcodeTable.load(), new Semantics());

  final Cpu cpu;
  final CpuState state;
  final MemorySegment ram;

  SingleSteps() {
    this(new TestBus(0x10000));
  }

  SingleSteps(TestBus bus) {
    this(bus, CpuModel.standard());
  }

  SingleSteps(TestBus bus, CpuModel model) {
    cpu = bus.processor(model);
    state = cpu.state;
    ram = bus.ram();
    state.cr0 |= Control.CR0_PE | Control.CR0_NE;
    state.cr4 |= Control.CR4_OSFXSR | Control.CR4_OSXMMEXCPT | Control.CR4_OSXSAVE;
    state.efer |= Control.EFER_LMA;
    state.segmentAttributes[CpuState.CS] |= Segment.LONG;
    cpu.contextChanged();
    state.x87.initialize();
  }

  /**
   * Executes an instruction, written as hexadecimal bytes; returns the vector of its fault or
   * {@link #COMPLETED}.
   */
  int run(String bytes) {
    byte[] code = HexFormat.of().parseHex(bytes.replace(" ", ""));
    assertThat(decoder.decode(code, 0, code.length, 8, 0)).isEqualTo(Decoder.Outcome.DECODED);
    Instruction instruction = decoder.instruction();
    assertThat((int) instruction.length).isEqualTo(code.length);
    try {
      instruction.operation.execute(cpu, instruction);
      return COMPLETED;
    } catch (GuestFault fault) {
      return fault.vector();
    }
  }

  /** Sets an XMM register from 32 hexadecimal digits, the most significant first. */
  void xmm(int n, String value) {
    state.xmmHigh(n, Long.parseUnsignedLong(value.substring(0, 16), 16));
    state.xmmLow(n, Long.parseUnsignedLong(value.substring(16), 16));
  }

  /** Returns an XMM register as {@link #xmm(int, String)} takes it. */
  String xmm(int n) {
    return String.format("%016x%016x", state.xmmHigh(n), state.xmmLow(n));
  }

  /** Sets an XMM register from the bytes of a text in memory's order. */
  void xmmBytes(int n, String hexadecimal) {
    byte[] bytes = HexFormat.of().parseHex(hexadecimal);
    MemorySegment.copy(bytes, 0, ram, ValueLayout.JAVA_BYTE, 0xf000, 16);
    state.xmmLow(n, ram.get(LONG, 0xf000));
    state.xmmHigh(n, ram.get(LONG, 0xf008));
  }

  /** Returns an XMM register as {@link #xmmBytes(int, String)} takes it. */
  String xmmBytes(int n) {
    ram.set(LONG, 0xf000, state.xmmLow(n));
    ram.set(LONG, 0xf008, state.xmmHigh(n));
    byte[] bytes = ram.asSlice(0xf000, 16).toArray(ValueLayout.JAVA_BYTE);
    return HexFormat.of().formatHex(bytes);
  }

  long load(long address) {
    return ram.get(LONG, address);
  }

  void store(long address, long value) {
    ram.set(LONG, address, value);
  }
}
