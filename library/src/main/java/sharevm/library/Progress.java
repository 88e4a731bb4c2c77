package sharevm.library;

/** Who is told how far a long piece of work is. Called from the thread that does the work. */
public interface Progress {
  /** Tells nobody. */
  Progress NONE =
      new Progress() {
        @Override
        public void at(String what, long done, long total) {}

        @Override
        public void end() {}
      };

  /**
   * The work goes on.
   *
   * @param what the work, in a few words
   * @param done how much is done, in the same unit as {@code total}: bytes, for downloads
   * @param total how much there is, or 0 when that is not known
   */
  void at(String what, long done, long total);

  /** The work is over, done or not. */
  void end();
}
