/** Virtual machines as things that people own. */
module sharevm.library {
  requires transitive sharevm.machine;
  requires transitive sharevm.host;
  requires transitive sharevm.disk;
  requires sharevm.translator;
  requires org.apache.commons.compress;
  requires org.tukaani.xz;

  exports sharevm.library;
  exports sharevm.library.debian;
  exports sharevm.library.guest;
}
