package sharevm.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import sharevm.app.Escapes.Command;

final class EscapesTest {
  private final Escapes escapes = new Escapes();

  private void expect(String typed, String forGuest, Command command, int consumed) {
    byte[] bytes = typed.getBytes(StandardCharsets.ISO_8859_1);
    Escapes.Piece piece = escapes.next(bytes, 0, bytes.length);
    assertThat(new String(piece.forGuest(), StandardCharsets.ISO_8859_1)).isEqualTo(forGuest);
    assertThat(piece.command()).isEqualTo(command);
    assertThat(piece.consumed()).isEqualTo(consumed);
  }

  @Test
  void everythingElseIsTheGuests() {
    expect("ls\r\u0003\u001b[A\u00ff", "ls\r\u0003\u001b[A\u00ff", Command.NONE, 8);
  }

  @Test
  void aCommandEndsAPiece() {
    expect("ab\u0001xcd", "ab", Command.QUIT, 4);
    expect("\u0001cx", "", Command.MONITOR, 2);
    expect("\u0001h", "", Command.HELP, 2);
  }

  @Test
  void aCommandMayComeInTwoPieces() {
    expect("ab\u0001", "ab", Command.NONE, 3);
    expect("x", "", Command.QUIT, 1);
  }

  @Test
  void ctrlATwiceIsOneForTheGuest() {
    expect("\u0001\u0001x\u0001ay", "\u0001x\u0001y", Command.NONE, 6);
    expect("\u0001zq", "q", Command.NONE, 3);
  }
}
