/** The {@code sharevm} command. */
module sharevm.app {
  requires sharevm.disk;
  requires sharevm.library;
  requires info.picocli;

  opens sharevm.app to
      info.picocli;
  opens sharevm.app.disk to
      info.picocli;
}
