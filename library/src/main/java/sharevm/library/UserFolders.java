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
    if (isAbsolute(configured)) {
      return Path.of(configured, "sharevm");
    }
    // What a shell calls ~; Java has the home of the account, which can be another.
    String own = environment.getOrDefault("HOME", "");
    return (isAbsolute(own) ? Path.of(own) : home).resolve(".cache").resolve("sharevm");
  }

  private static boolean isAbsolute(String path) {
    return !path.isEmpty() && Path.of(path).isAbsolute();
  }
}
