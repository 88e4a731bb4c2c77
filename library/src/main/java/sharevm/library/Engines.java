package sharevm.library;

import java.util.function.Consumer;
import sharevm.cpu.Cpu;
import sharevm.translator.Translator;

/** The engine for a host and a wish. */
final class Engines {
  /** Room for translated code, of which the host commits what is used. */
  private static final long CODE_BYTES = 128L << 20;

  private Engines() {}

  /**
   * Returns what makes a processor's engine.
   *
   * @param notices told, in one line, why the translator is not used where nobody asked to do
   *     without
   * @throws LibraryException if the translator is asked for and the host cannot have it
   */
  static Cpu.EngineFactory choose(EngineChoice choice, Consumer<String> notices)
      throws LibraryException {
    if (choice == EngineChoice.INTERPRETER) {
      return Cpu.EngineFactory.INTERPRETER;
    }
    String reason = refusal();
    if (reason == null) {
      return Translator.factory(CODE_BYTES);
    }
    if (choice == EngineChoice.TRANSLATOR) {
      throw LibraryException.failed(reason + ": leave --engine out to use the interpreter");
    }
    notices.accept("the interpreter is used: " + reason);
    return Cpu.EngineFactory.INTERPRETER;
  }

  /** Returns why the translator cannot be used here, or null when it can. */
  private static String refusal() {
    String architecture = System.getProperty("os.arch");
    if (!architecture.equals("amd64")) {
      return "the translator makes code for x86-64 hosts, and this is " + architecture;
    }
    return Translator.refusal().orElse(null);
  }
}
