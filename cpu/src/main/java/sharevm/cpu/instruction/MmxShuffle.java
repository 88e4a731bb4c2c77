package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Instruction;

/** Instructions that put elements of MMX registers to other places. */
final class MmxShuffle {
  private MmxShuffle() {}

  static void bind(Semantics semantics) {
    semantics.put("PSHUFW", MmxShuffle::shuffleWords);
  }

  /** PUNPCKL of MMX registers, which reads only 4 bytes of memory. */
  static Operation unpackLow(IntegerVector.Lanes lanes) {
    return (cpu, i) -> {
      FloatGuard.mmx(cpu);
      long source = i.memory ? cpu.memory.load32(i) : MmxAccess.get(cpu, i.source);
      MmxAccess.set(cpu, i.destination, lanes.apply(MmxAccess.get(cpu, i.destination), source));
    };
  }

  private static void shuffleWords(Cpu cpu, Instruction i) {
    FloatGuard.mmx(cpu);
    long source = MmxAccess.source(cpu, i);
    MmxAccess.set(cpu, i.destination, SseShuffle.shuffleWords(source, (int) i.immediate));
  }

  static void shuffleBytes(Cpu cpu, Instruction i) {
    FloatGuard.mmx(cpu);
    long order = MmxAccess.source(cpu, i);
    long bytes = MmxAccess.get(cpu, i.destination);
    long result = 0;
    for (int n = 0; n < 64; n += 8) {
      if ((order >>> n & 0x80) == 0) {
        result |= (bytes >>> 8 * (order >>> n & 7) & 0xff) << n;
      }
    }
    MmxAccess.set(cpu, i.destination, result);
  }

  /** Shifts destination:source right by bytes and keeps the lowest 8. */
  static void alignRight(Cpu cpu, Instruction i) {
    FloatGuard.mmx(cpu);
    long source = MmxAccess.source(cpu, i);
    long destination = MmxAccess.get(cpu, i.destination);
    int bytes = (int) i.immediate & 0xff;
    long result = 0;
    if (bytes == 0) {
      result = source;
    } else if (bytes < 8) {
      result = source >>> 8 * bytes | destination << 64 - 8 * bytes;
    } else if (bytes < 16) {
      result = destination >>> 8 * (bytes - 8);
    }
    MmxAccess.set(cpu, i.destination, result);
  }
}
