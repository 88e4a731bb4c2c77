package sharevm.app;

import sharevm.library.Progress;

/** One line for each piece of work, where there is no terminal to draw on. */
final class PlainProgress implements Progress {
  private final Diagnostics diagnostics;
  private String last = "";

  PlainProgress(Diagnostics diagnostics) {
    this.diagnostics = diagnostics;
  }

  @Override
  public void at(String what, long done, long total) {
    if (!what.equals(last)) {
      last = what;
      diagnostics.say(what);
    }
  }

  @Override
  public void end() {}
}
