package sharevm.library;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class UserFoldersTest {
  private static final Path HOME = Path.of("/home/ada");

  @Test
  void followsTheXdgSpecification() {
    assertThat(UserFolders.cache(Map.of(), HOME)).hasToString("/home/ada/.cache/sharevm");
    assertThat(UserFolders.cache(Map.of("XDG_CACHE_HOME", "/var/c"), HOME))
        .hasToString("/var/c/sharevm");
    assertThat(UserFolders.cache(Map.of("XDG_CACHE_HOME", "relative"), HOME))
        .hasToString("/home/ada/.cache/sharevm");
    assertThat(UserFolders.cache(Map.of("XDG_CACHE_HOME", ""), HOME))
        .hasToString("/home/ada/.cache/sharevm");
  }

  @Test
  void theHomeOfTheEnvironmentIsTheUsers() {
    assertThat(UserFolders.cache(Map.of("HOME", "/elsewhere"), Path.of("/home/me")))
        .isEqualTo(Path.of("/elsewhere/.cache/sharevm"));
    assertThat(UserFolders.cache(Map.of("HOME", ""), Path.of("/home/me")))
        .isEqualTo(Path.of("/home/me/.cache/sharevm"));
  }
}
