/** The {@code sharevm} command. */
module sharevm.app {
  requires sharevm.library;
}
