package sharevm.cpu.opcode;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import sharevm.cpu.CpuFeature;
import sharevm.cpu.Flags;
import sharevm.cpu.opcode.Opcode.Attribute;
import sharevm.cpu.opcode.Opcode.Prefix;

/** Reads a row of the opcode table, whose notation {@link OpcodeTable} explains. */
final class OpcodeParser {
  private final String text;
  private int map;
  private int code = -1;
  private Prefix prefix = Prefix.ANY;
  private int digit = -1;
  private boolean modrm;
  private int exactModrm = -1;
  private int rexW = -1;
  private int flagsRead;
  private int flagsWritten;
  private int flagsUndefined;
  private Optional<CpuFeature> needs = Optional.empty();
  private final Set<Attribute> attributes = EnumSet.noneOf(Attribute.class);

  private OpcodeParser(String text) {
    this.text = text;
  }

  static Opcode parse(String text) {
    try {
      return new OpcodeParser(text).row();
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("opcode table: " + e.getMessage() + " in: " + text, e);
    }
  }

  private Opcode row() {
    String[] columns = text.split("\\|", -1);
    if (columns.length < 2) {
      throw new IllegalArgumentException("fewer than two columns");
    }
    encoding(words(columns[0]));
    String instruction = columns[1].strip();
    int space = instruction.indexOf(' ');
    String mnemonic = space < 0 ? instruction : instruction.substring(0, space);
    List<OperandType> operands = new ArrayList<>();
    List<String> names = new ArrayList<>();
    if (space >= 0) {
      for (String operand : instruction.substring(space).split(",", -1)) {
        String name = operand.strip();
        names.add(name);
        operands.add(OperandType.named(name));
      }
    }
    for (int i = 2; i < columns.length; i++) {
      words(columns[i]).forEach(this::attribute);
    }
    return new Opcode(
        String.join(" ", words(text)),
        mnemonic,
        map,
        code,
        prefix,
        digit,
        modrm,
        exactModrm,
        rexW,
        List.copyOf(operands),
        List.copyOf(names),
        flagsRead,
        flagsWritten,
        flagsUndefined,
        needs,
        attributes);
  }

  /** Splits at blanks; by hand, for the whole table is split at every start. */
  private static List<String> words(String text) {
    List<String> words = new ArrayList<>();
    for (int from = 0; from < text.length(); ) {
      int blank = text.indexOf(' ', from);
      int to = blank < 0 ? text.length() : blank;
      if (to > from) {
        words.add(text.substring(from, to));
      }
      from = to + 1;
    }
    return words;
  }

  private void encoding(List<String> tokens) {
    int n = 0;
    if (tokens.size() > 1) {
      prefix =
          switch (tokens.getFirst()) {
            case "NP" -> Prefix.NONE;
            case "66" -> Prefix.P66;
            case "F2" -> Prefix.F2;
            case "F3" -> Prefix.F3;
            default -> Prefix.ANY;
          };
      n = prefix == Prefix.ANY ? 0 : 1;
    }
    for (; n < tokens.size(); n++) {
      token(tokens.get(n));
    }
    if (code < 0) {
      throw new IllegalArgumentException("no opcode byte");
    }
  }

  private void token(String token) {
    switch (token) {
      case "REX.W" -> rexW = 1;
      case "W0" -> rexW = 0;
      case "/r" -> modrm = true;
      case "+r" -> {}
      default -> {
        if (token.startsWith("/")) {
          modrm = true;
          digit = Integer.parseInt(token.substring(1));
        } else {
          opcodeByte(Integer.parseInt(token, 16));
        }
      }
    }
  }

  private void opcodeByte(int value) {
    if (map == 0 && code < 0 && value == 0x0f) {
      map = 1;
    } else if (map == 1 && code < 0 && (value == 0x38 || value == 0x3a)) {
      map = value == 0x38 ? 2 : 3;
    } else if (code < 0) {
      code = value;
    } else {
      modrm = true;
      exactModrm = value;
    }
  }

  private void attribute(String word) {
    if (word.startsWith("r=")) {
      flagsRead = flags(word);
    } else if (word.startsWith("w=")) {
      flagsWritten |= flags(word);
    } else if (word.startsWith("u=")) {
      flagsUndefined = flags(word);
      flagsWritten |= flagsUndefined;
    } else if (word.startsWith("needs=")) {
      needs = Optional.of(CpuFeature.valueOf(word.substring("needs=".length())));
    } else {
      attributes.add(Attribute.valueOf(word.toUpperCase(Locale.ROOT).replace('-', '_')));
    }
  }

  private static int flags(String word) {
    int flags = 0;
    for (char letter : word.substring(2).toCharArray()) {
      flags |=
          switch (letter) {
            case 'O' -> Flags.OF;
            case 'S' -> Flags.SF;
            case 'Z' -> Flags.ZF;
            case 'A' -> Flags.AF;
            case 'P' -> Flags.PF;
            case 'C' -> Flags.CF;
            case 'D' -> Flags.DF;
            case 'I' -> Flags.IF;
            default -> throw new IllegalArgumentException("unknown flag \"" + letter + "\"");
          };
    }
    return flags;
  }
}
