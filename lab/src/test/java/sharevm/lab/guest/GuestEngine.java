package sharevm.lab.guest;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import sharevm.cpu.Cpu;
import sharevm.translator.Translator;
import sharevm.translator.Tuning;

/** What executes a test's guest. */
public enum GuestEngine {
  INTERPRETER,
  TRANSLATOR;

  /** Room for each processor's translations, of which the host commits what is used. */
  private static final long CODE_BYTES = 64L << 20;

  /** Returns the fastest that this host can have. */
  static GuestEngine fastest() {
    return canTranslate() ? TRANSLATOR : INTERPRETER;
  }

  /** Returns what makes it; skips the test where the host cannot have it. */
  Cpu.EngineFactory factory() {
    if (this == INTERPRETER) {
      return Cpu.EngineFactory.INTERPRETER;
    }
    assumeTrue(canTranslate(), "the translator makes code for x86-64 hosts");
    return Translator.factory(Tuning.standard().withCodeBytes(CODE_BYTES));
  }

  private static boolean canTranslate() {
    return System.getProperty("os.arch").equals("amd64");
  }
}
