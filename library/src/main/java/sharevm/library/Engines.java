package sharevm.library;

import java.util.List;
import java.util.function.Consumer;
import sharevm.cpu.Cpu;
import sharevm.machine.bus.Trace;
import sharevm.translator.Translator;
import sharevm.translator.Tuning;

/** The engine for a host and a wish. */
final class Engines {
  private Engines() {}

  /**
   * Returns what makes a processor's engine.
   *
   * @param tuning how the translator is to work
   * @param notices told, in one line, why the translator is not used where nobody asked to do
   *     without
   * @throws LibraryException if the translator is asked for and the host cannot have it
   */
  static Cpu.EngineFactory choose(EngineChoice choice, Tuning tuning, Consumer<String> notices)
      throws LibraryException {
    if (choice == EngineChoice.INTERPRETER) {
      return Cpu.EngineFactory.INTERPRETER;
    }
    String reason = refusal();
    if (reason == null) {
      return Translator.factory(tuning);
    }
    if (choice == EngineChoice.TRANSLATOR) {
      throw LibraryException.failed(reason + ": leave --engine out to use the interpreter");
    }
    notices.accept("the interpreter is used: " + reason);
    return Cpu.EngineFactory.INTERPRETER;
  }

  /**
   * Returns how the translator is to work for each of a machine's processors.
   *
   * @throws LibraryException if there is no such option
   */
  static Tuning tuning(List<String> options, int processors, Trace trace) throws LibraryException {
    Tuning tuning = Tuning.standard().sharedBy(processors);
    try {
      for (String option : options) {
        tuning = tuning.with(option);
      }
    } catch (IllegalArgumentException e) {
      throw LibraryException.usage(e.getMessage());
    }
    return trace.on(Trace.Category.BLOCKS)
        ? tuning.withListener(made -> trace.line(Trace.Category.BLOCKS, "%s", made.listing()))
        : tuning;
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
