package sharevm.machine.bus;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import sharevm.cpu.CodePages;

final class UntouchedRamTest {
  /** Not a whole number of parts of 64 KiB. */
  private static final long SIZE = 0x2_8000;

  private record Range(long offset, long length) {}

  private final List<Range> prepared = new ArrayList<>();
  private final CodePages codePages = new CodePages(SIZE);

  UntouchedRamTest() {
    UntouchedRam.watch(
        codePages, (offset, length) -> prepared.add(new Range(offset, length)), SIZE);
  }

  @Test
  void firstWritePreparesThePartAndFreesItsPages() {
    codePages.written(0x1_3008, 4);
    assertThat(prepared).containsExactly(new Range(0x1_0000, 0x1_0000));
    for (int page = 0; page < SIZE >> 12; page++) {
      assertThat(codePages.marked(page)).as("page %d", page).isEqualTo(page >> 4 != 1);
    }
  }

  @Test
  void laterWritesPrepareNothing() {
    codePages.written(0x1_3008, 4);
    codePages.mark(0x13);
    codePages.written(0x1_3008, 4);
    assertThat(prepared).hasSize(1);
    assertThat(codePages.marked(0x13)).isFalse();
  }

  @Test
  void writeAcrossPartsPreparesBothAndTheLastOnlyAsFarAsItGoes() {
    codePages.written(0x1_fffe, 4);
    assertThat(prepared)
        .containsExactly(new Range(0x1_0000, 0x1_0000), new Range(0x2_0000, 0x8000));
  }

  @Test
  void pageThatHoldsCodeStaysMarked() {
    codePages.add(
        new CodePages.Cache() {
          @Override
          public void drop(int page, int from, int to) {}

          @Override
          public boolean mayHold(int page) {
            return page == 0x11;
          }
        });
    codePages.written(0x1_2000, 1);
    assertThat(codePages.marked(0x11)).isTrue();
    assertThat(codePages.marked(0x12)).isFalse();
  }
}
