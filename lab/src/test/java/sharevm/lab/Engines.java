package sharevm.lab;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Named;
import sharevm.cpu.Cpu.EngineFactory;
import sharevm.translator.Translator;
import sharevm.translator.Tuning;
import sharevm.translator.Tuning.Means;

/** The engines that this host has, for tests that are to hold with each. */
public final class Engines {
  private static final long CODE_BYTES = 8L << 20;

  /** As little as has room for a few blocks, so that the code cache fills again and again. */
  private static final long FEW_BYTES = 160L << 10;

  private Engines() {}

  /** Returns how the translator translates all that it can at once. */
  public static Tuning translatesAll() {
    return Tuning.standard().withCodeBytes(CODE_BYTES).withHot(1);
  }

  /** Returns ways to work that each leave a means out, or drive one to an extreme. */
  public static List<Named<Tuning>> tunings() {
    List<Named<Tuning>> tunings = new ArrayList<>();
    tunings.add(Named.of("hot after 3", translatesAll().withHot(3)));
    tunings.add(Named.of("tiny code cache", translatesAll().withCodeBytes(FEW_BYTES)));
    for (Means means : Means.values()) {
      tunings.add(Named.of("without " + means, translatesAll().without(means)));
    }
    tunings.add(Named.of("without any", translatesAll().without(Means.values())));
    return tunings;
  }

  /** Returns whether the translator makes code for this host. */
  public static boolean canTranslate() {
    return System.getProperty("os.name").equals("Linux")
        && System.getProperty("os.arch").equals("amd64");
  }

  /** Returns them with their names; the translator translates all that it can at once. */
  public static List<Named<EngineFactory>> all() {
    List<Named<EngineFactory>> engines = new ArrayList<>();
    engines.add(Named.of("interpreter", EngineFactory.INTERPRETER));
    if (canTranslate()) {
      engines.add(Named.of("translator", Translator.factory(translatesAll())));
    }
    return engines;
  }
}
