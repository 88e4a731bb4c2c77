package sharevm.app;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * What the JVM watches when its AOT cache is made: the ways that every start goes. Not for people.
 */
@Command(name = "warm-up", hidden = true)
final class WarmUpCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  private WarmUpCommand() {}

  @Override
  public Integer call() {
    PrintStream nowhere =
        new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
    nowhere.println(Version.line());
    CommandLine root = spec.root().commandLine();
    root.usage(nowhere);
    root.getSubcommands().get("run").usage(nowhere);
    return ExitStatus.DONE;
  }
}
