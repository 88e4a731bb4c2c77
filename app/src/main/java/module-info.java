/** The {@code sharevm} command. */
module sharevm.app {
  requires sharevm.library;
  requires info.picocli;

  opens sharevm.app to
      info.picocli;
}
