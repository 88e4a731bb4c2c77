package sharevm.lab;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Named;
import sharevm.cpu.Cpu.EngineFactory;
import sharevm.translator.Translator;

/** The engines that this host has, for tests that are to hold with each. */
public final class Engines {
  private static final long CODE_BYTES = 8L << 20;

  private Engines() {}

  /** Returns them with their names; the translator translates all that it can at once. */
  public static List<Named<EngineFactory>> all() {
    List<Named<EngineFactory>> engines = new ArrayList<>();
    engines.add(Named.of("interpreter", EngineFactory.INTERPRETER));
    if (System.getProperty("os.name").equals("Linux")
        && System.getProperty("os.arch").equals("amd64")) {
      engines.add(Named.of("translator", Translator.factory(CODE_BYTES, 1)));
    }
    return engines;
  }
}
