package sharevm.cpu.interpret;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import sharevm.cpu.CodePages;
import sharevm.cpu.Cpu;
import sharevm.cpu.RamWriter;
import sharevm.cpu.address.Memory;
import sharevm.cpu.decode.Decoder;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;
import sharevm.cpu.opcode.Opcode.Attribute;

/** Decodes blocks from guest memory. */
final class BlockBuilder {
  /** The most instructions of a block: keeps decoding of what is never reached small. */
  private static final int MOST_INSTRUCTIONS = 32;

  private final Memory memory;
  private final CodePages codePages;
  private final RamWriter writer;
  private final BlockCache cache;
  private final Decoder decoder;
  private final byte[] bytes = new byte[MOST_INSTRUCTIONS * Decoder.MAX_LENGTH];
  private final List<Instruction> instructions = new ArrayList<>();

  BlockBuilder(Cpu cpu, CodePages codePages, BlockCache cache, Decoder decoder) {
    this.memory = cpu.memory;
    this.writer = cpu.writer;
    this.codePages = codePages;
    this.cache = cache;
    this.decoder = decoder;
  }

  /**
   * Decodes the block at a linear address.
   *
   * @param place offset in RAM, or -1 - physical address for a device's memory
   * @throws GuestFault when its first instruction cannot be fetched or is undefined
   */
  Block build(long linear, long place, int mode) {
    int inPage = Math.min(4096 - (int) (linear & 0xfff), bytes.length);
    if (place >= 0) {
      protect(place);
      MemorySegment.copy(memory.ram(), ValueLayout.JAVA_BYTE, place, bytes, 0, inPage);
    } else {
      inPage = Math.min(inPage, Decoder.MAX_LENGTH);
      for (int i = 0; i < inPage; i++) {
        bytes[i] = memory.fetchDevice(-1 - place + i);
      }
    }
    instructions.clear();
    Decoder.Outcome outcome = decodeRun(inPage, mode, place >= 0);
    if (!instructions.isEmpty()) {
      return new Block(instructions.toArray(Instruction[]::new), place, mode, -1);
    }
    return switch (outcome) {
      case UNDEFINED -> throw GuestFault.undefined();
      case TOO_LONG -> throw GuestFault.generalProtection();
      case TRUNCATED, DECODED -> crossing(linear, place, mode, inPage);
    };
  }

  /** Makes writes to a page known from now on, before its bytes are read. */
  private void protect(long place) {
    int page = (int) (place >>> 12);
    if (cache.hold(page) && codePages.mark(page)) {
      memory.protect(place & -4096);
      writer.stopOthers(place & -4096);
    }
  }

  private Decoder.Outcome decodeRun(int available, int mode, boolean many) {
    int offset = 0;
    while (true) {
      Decoder.Outcome outcome = decoder.decode(bytes, offset, available, mode, offset);
      if (outcome != Decoder.Outcome.DECODED) {
        return outcome;
      }
      Instruction instruction = decoder.instruction();
      instructions.add(instruction);
      offset += instruction.length;
      boolean full = instructions.size() == MOST_INSTRUCTIONS || offset == available;
      if (!many || full || instruction.opcode.is(Attribute.END)) {
        return outcome;
      }
    }
  }

  /** Decodes the one instruction that begins in a page and ends in the next. */
  private Block crossing(long linear, long place, int mode, int inPage) {
    long second = memory.fetch(linear + inPage);
    if (second >= 0) {
      protect(second);
    }
    for (int i = 0; i < Decoder.MAX_LENGTH - inPage; i++) {
      bytes[inPage + i] =
          second >= 0
              ? memory.ram().get(ValueLayout.JAVA_BYTE, second + i)
              : memory.fetchDevice(-1 - second + i);
    }
    return switch (decoder.decode(bytes, 0, Decoder.MAX_LENGTH, mode, 0)) {
      case UNDEFINED -> throw GuestFault.undefined();
      case TOO_LONG, TRUNCATED -> throw GuestFault.generalProtection();
      case DECODED ->
          new Block(
              new Instruction[] {decoder.instruction()},
              second >= 0 ? place : -1,
              mode,
              second & -4096);
    };
  }
}
