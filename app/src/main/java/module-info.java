/** The {@code sharevm} command. */
module sharevm.app {
  requires sharevm.disk;
  requires sharevm.library;
  requires info.picocli;
}
