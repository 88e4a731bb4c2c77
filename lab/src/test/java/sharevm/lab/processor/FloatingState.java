package sharevm.lab.processor;

import sharevm.cpu.Cpu;
import sharevm.cpu.real.X87State;

/** Carries x87 and XMM state between an FXSAVE image and our processor. */
final class FloatingState {
  private FloatingState() {}

  static void load(Cpu cpu, ProcessorState from) {
    long[] words = new long[X87State.LEGACY_WORDS];
    for (int n = 0; n < words.length; n++) {
      words[n] = from.fx(8 * n, 8);
    }
    cpu.state.x87.setLegacy(words, true);
    for (int n = 0; n < 16; n++) {
      cpu.state.xmmLow(n, from.fx(ProcessorState.FX_XMM + 16 * n, 8));
      cpu.state.xmmHigh(n, from.fx(ProcessorState.FX_XMM + 16 * n + 8, 8));
    }
    cpu.state.mxcsr((int) from.fx(ProcessorState.FX_MXCSR, 4));
  }

  static void save(Cpu cpu, ProcessorState to) {
    for (int n = 0; n < X87State.LEGACY_WORDS; n++) {
      to.fx(8 * n, 8, cpu.state.x87.legacyWord(n, true));
    }
    for (int n = 0; n < 16; n++) {
      to.fx(ProcessorState.FX_XMM + 16 * n, 8, cpu.state.xmmLow(n));
      to.fx(ProcessorState.FX_XMM + 16 * n + 8, 8, cpu.state.xmmHigh(n));
    }
    to.fx(ProcessorState.FX_MXCSR, 4, cpu.state.mxcsr());
  }
}
