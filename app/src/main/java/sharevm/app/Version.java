package sharevm.app;

import picocli.CommandLine.IVersionProvider;

/** Which ShareVM this is, and on what it runs. */
final class Version implements IVersionProvider {
  /** Returns it in one line. */
  static String line() {
    Module module = Version.class.getModule();
    String version =
        module.isNamed() ? module.getDescriptor().rawVersion().orElse("unknown") : "unpackaged";
    return "sharevm %s (Java %s, %s %s)"
        .formatted(
            version,
            System.getProperty("java.version"),
            System.getProperty("os.name"),
            System.getProperty("os.arch"));
  }

  @Override
  public String[] getVersion() {
    return new String[] {line()};
  }
}
