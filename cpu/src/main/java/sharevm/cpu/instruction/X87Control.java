package sharevm.cpu.instruction;

import java.util.List;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.address.Memory;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.real.FloatException;
import sharevm.cpu.real.X87State;

/** x87 control: words, environment, the whole state. SDM Vol. 1, 8.3.10 and 8.1.10. */
final class X87Control {
  private static final int ENVIRONMENT_WORDS = 7;
  private static final int REGISTER_BYTES = 10;

  private X87Control() {}

  static void bind(Semantics semantics) {
    semantics.put("FNINIT", X87Control::initialize);
    semantics.put("FNCLEX", X87Control::clear);
    semantics.put("FNSTSW", X87Control::storeStatus);
    semantics.put("FNSTCW", X87Control::storeControl);
    semantics.put("FLDCW", X87Control::loadControl);
    semantics.put("FNSTENV", X87Control::storeEnvironment);
    semantics.put("FLDENV", X87Control::loadEnvironment);
    semantics.put("FNSAVE", X87Control::save);
    semantics.put("FRSTOR", X87Control::restore);
    semantics.put("FWAIT", (cpu, i) -> FloatGuard.await(cpu));
    semantics.put("FNOP", (cpu, i) -> FloatGuard.x87(cpu));
    for (String obsolete : List.of("FNENI", "FNDISI", "FNSETPM")) {
      semantics.put(obsolete, (cpu, i) -> FloatGuard.x87NoWait(cpu.state));
    }
    semantics.put("FINCSTP", X87Control::increment);
    semantics.put("FDECSTP", X87Control::decrement);
    semantics.put("FFREE", X87Control::free);
    semantics.put("FFREEP", X87Control::freeAndPop);
  }

  private static void initialize(Cpu cpu, Instruction i) {
    FloatGuard.x87NoWait(cpu.state);
    cpu.state.x87.initialize();
    cpu.floatError.errorCleared();
  }

  private static void clear(Cpu cpu, Instruction i) {
    FloatGuard.x87NoWait(cpu.state);
    cpu.state.x87.clearExceptions();
    cpu.floatError.errorCleared();
  }

  private static void storeStatus(Cpu cpu, Instruction i) {
    FloatGuard.x87NoWait(cpu.state);
    int word = cpu.state.x87.statusWord();
    if (i.memory) {
      cpu.memory.store16(i, word);
    } else {
      cpu.state.r16(CpuState.RAX, word);
    }
  }

  private static void storeControl(Cpu cpu, Instruction i) {
    FloatGuard.x87NoWait(cpu.state);
    cpu.memory.store16(i, cpu.state.x87.controlWord());
  }

  private static void loadControl(Cpu cpu, Instruction i) {
    FloatGuard.x87(cpu);
    cpu.state.x87.setControlWord(cpu.memory.load16(i));
  }

  private static void increment(Cpu cpu, Instruction i) {
    X87State x = X87Execution.begin(cpu, i);
    x.incrementTop();
    x.setC1(false);
  }

  private static void decrement(Cpu cpu, Instruction i) {
    X87State x = X87Execution.begin(cpu, i);
    x.decrementTop();
    x.setC1(false);
  }

  private static void free(Cpu cpu, Instruction i) {
    X87State x = X87Execution.begin(cpu, i);
    x.free(i.destination);
    x.setC1(false);
  }

  private static void freeAndPop(Cpu cpu, Instruction i) {
    free(cpu, i);
    cpu.state.x87.pop();
  }

  private static void storeEnvironment(Cpu cpu, Instruction i) {
    FloatGuard.x87NoWait(cpu.state);
    long offset = i.address(cpu.state);
    cpu.memory.probeWrite(i.segment, offset, environmentBytes(i));
    writeEnvironment(cpu, i, offset);
    X87State x = cpu.state.x87;
    x.setControlWord(x.controlWord() | FloatException.ALL);
  }

  private static int environmentBytes(Instruction i) {
    return ENVIRONMENT_WORDS * wordBytes(i);
  }

  /** 14-byte images for an operand size of 16 bits, otherwise 28 bytes, also with REX.W. */
  private static int wordBytes(Instruction i) {
    return i.size == 2 ? 2 : 4;
  }

  private static void writeEnvironment(Cpu cpu, Instruction i, long offset) {
    int[] words = new int[ENVIRONMENT_WORDS];
    int bytes = wordBytes(i);
    cpu.state.x87.environment(words, cpu.state.realSegments(), bytes == 4);
    for (int n = 0; n < ENVIRONMENT_WORDS; n++) {
      cpu.memory.store(i.segment, offset + n * bytes & i.addressMask, bytes, words[n]);
    }
  }

  private static int[] readEnvironment(Cpu cpu, Instruction i, long offset) {
    int[] words = new int[ENVIRONMENT_WORDS];
    int bytes = wordBytes(i);
    for (int n = 0; n < ENVIRONMENT_WORDS; n++) {
      words[n] = (int) cpu.memory.load(i.segment, offset + n * bytes & i.addressMask, bytes);
    }
    return words;
  }

  private static void setEnvironment(Cpu cpu, Instruction i, int[] words) {
    X87State x = cpu.state.x87;
    x.setEnvironment(words, cpu.state.realSegments(), wordBytes(i) == 4);
    if (!x.pending()) {
      cpu.floatError.errorCleared();
    }
  }

  private static void loadEnvironment(Cpu cpu, Instruction i) {
    FloatGuard.x87(cpu);
    setEnvironment(cpu, i, readEnvironment(cpu, i, i.address(cpu.state)));
  }

  private static void save(Cpu cpu, Instruction i) {
    FloatGuard.x87NoWait(cpu.state);
    X87State x = cpu.state.x87;
    Memory memory = cpu.memory;
    long offset = i.address(cpu.state);
    int environment = environmentBytes(i);
    memory.probeWrite(i.segment, offset, environment + 8 * REGISTER_BYTES);
    writeEnvironment(cpu, i, offset);
    for (int n = 0; n < 8; n++) {
      long at = offset + environment + n * REGISTER_BYTES;
      memory.store64(i.segment, at & i.addressMask, x.significand(n));
      memory.store16(i.segment, at + 8 & i.addressMask, x.signExponent(n));
    }
    x.initialize();
    cpu.floatError.errorCleared();
  }

  private static void restore(Cpu cpu, Instruction i) {
    FloatGuard.x87(cpu);
    X87State x = cpu.state.x87;
    Memory memory = cpu.memory;
    long offset = i.address(cpu.state);
    int environment = environmentBytes(i);
    memory.probeRead(i.segment, offset, environment + 8 * REGISTER_BYTES);
    int[] words = readEnvironment(cpu, i, offset);
    setEnvironment(cpu, i, words);
    for (int n = 0; n < 8; n++) {
      long at = offset + environment + n * REGISTER_BYTES;
      long significand = memory.load64(i.segment, at & i.addressMask);
      x.set(n, memory.load16(i.segment, at + 8 & i.addressMask), significand);
    }
    x.setTagWord(words[2]);
  }
}
