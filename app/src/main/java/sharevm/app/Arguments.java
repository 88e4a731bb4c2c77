package sharevm.app;

import java.nio.file.Path;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * Arguments that many commands have. Commands describe themselves to the parser by calls and not by
 * annotations, whose reading takes longer than most commands run.
 */
public final class Arguments {
  private Arguments() {}

  /** An option that is given or not; its value is a {@code boolean}. */
  public static OptionSpec flag(String description, String... names) {
    return OptionSpec.builder(names)
        .type(boolean.class)
        .initialValue(false)
        .description(description)
        .build();
  }

  /** Whether a {@link #flag} was given. */
  public static boolean given(OptionSpec flag) {
    return flag.getValue();
  }

  /** A file that must be named; the value is a {@link Path}. */
  public static PositionalParamSpec file(int index, String label) {
    return file(index, label, true);
  }

  /** A file that may be named, else the value is null. */
  public static PositionalParamSpec optionalFile(int index, String label) {
    return file(index, label, false);
  }

  private static PositionalParamSpec file(int index, String label, boolean required) {
    return PositionalParamSpec.builder()
        .index(Integer.toString(index))
        .arity(required ? "1" : "0..1")
        .required(required)
        .paramLabel(label)
        .type(Path.class)
        .converters(Path::of)
        .build();
  }

  /** A command that takes these arguments. */
  public static CommandSpec command(Object command, ArgSpec... arguments) {
    CommandSpec spec = CommandSpec.wrapWithoutInspection(command);
    for (ArgSpec argument : arguments) {
      spec.add(argument);
    }
    return spec;
  }
}
