package sharevm.lab.lockstep;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import sharevm.cpu.CpuState;
import sharevm.lab.Engines;
import sharevm.translator.Translation;
import sharevm.translator.Translator;

/**
 * How much host code typical guest code becomes, kept in tree so that a longer translation shows in
 * review. After a change that is meant: {@code mvn verify -Dsharevm.update=true
 * -Dtest=GoldenSizesTest}, and commit the file.
 */
@EnabledOnOs(value = OS.LINUX, architectures = "amd64")
final class GoldenSizesTest {
  private static final Path FILE =
      Path.of("src/test/resources/sharevm/lab/lockstep/golden-sizes.txt");

  private static final int BUDGET = 10_000;

  @Test
  void translationsAreAsLongAsTheyWere() throws IOException {
    List<String> kept = Files.readAllLines(FILE);
    List<String> now = new ArrayList<>();
    for (String line : kept) {
      now.add(line.startsWith("#") || line.isBlank() ? line : measured(line));
    }
    if (Boolean.getBoolean("sharevm.update")) {
      Files.write(FILE, now);
    }

    assertThat(now)
        .as("if that is meant, -Dsharevm.update=true rewrites %s", FILE)
        .containsExactlyElementsOf(Boolean.getBoolean("sharevm.update") ? now : kept);
  }

  /** Returns a line of the file with what is true now. */
  private static String measured(String line) {
    String hex = line.replaceFirst("\\|.*", "").strip();
    Translation made = translation(HexFormat.of().parseHex(hex.replace(" ", "")));
    Program program =
        new Program(
            GuestMode.LONG_USER,
            HexFormat.of().parseHex(hex.replace(" ", "")),
            GuestLayout.CODE,
            List.of(),
            List.of());
    List<String> text =
        GuestText.of(program).stream().map(s -> s.replaceFirst("^\\S+ +", "")).toList();
    return "%s | %d | %d | %d | %s"
        .formatted(
            hex,
            text.size(),
            made.hostInstructions() - made.entryInstructions(),
            made.hostBytes(),
            String.join("; ", text));
  }

  /** Lets code be translated at its second turn; what it leads to ends. */
  private static Translation translation(byte[] code) {
    List<Translation> made = new ArrayList<>();
    LockstepMachine machine =
        new LockstepMachine(
            GuestMode.LONG_USER,
            Translator.factory(Engines.translatesAll().withHot(2).withListener(made::add)));
    long rights = GuestPages.PRESENT | GuestPages.USER | GuestPages.WRITABLE;
    machine.pages.entry(GuestLayout.DATA, GuestLayout.DATA_RAM | rights);
    byte[] ended = Arrays.copyOf(code, code.length + 1);
    ended[code.length] = (byte) 0xcc;
    machine.write(GuestLayout.CODE, ended);
    for (int turn = 0; turn < 3 && made.isEmpty(); turn++) {
      machine.start(false, true, true);
      CpuState s = machine.cpu.state;
      s.gpr[CpuState.RCX] = 4;
      s.gpr[CpuState.RSP] = GuestLayout.STACK + 2048;
      for (int register : new GuestRegisters(true).pointers) {
        s.gpr[register] = GuestLayout.DATA + 1024;
      }
      s.rip = GuestLayout.CODE;
      machine.run(BUDGET);
    }
    return made.stream().filter(t -> t.rip() == GuestLayout.CODE).findFirst().orElseThrow();
  }
}
