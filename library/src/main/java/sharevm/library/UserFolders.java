package sharevm.library;

import java.nio.file.Path;
import java.util.Map;

/** Where things are kept for the user, by the XDG Base Directory Specification. */
public final class UserFolders {
  private UserFolders() {}

  /** Returns the folder for what can be fetched or made again; it need not exist. */
  public static Path cache() {
    return cache(System.getenv(), Path.of(System.getProperty("user.home")));
  }

  static Path cache(Map<String, String> environment, Path home) {
    String configured = environment.getOrDefault("XDG_CACHE_HOME", "");
    // The specification: a relative path is invalid and must be ignored.
    Path base =
        configured.isEmpty() || !Path.of(configured).isAbsolute()
            ? home.resolve(".cache")
            : Path.of(configured);
    return base.resolve("sharevm");
  }
}
