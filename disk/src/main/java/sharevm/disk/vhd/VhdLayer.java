package sharevm.disk.vhd;

import sharevm.disk.layer.Layer;

/** What fixed and other VHDs have in common. */
interface VhdLayer extends Layer {
  /** The footer as it is now. */
  VhdFooter footer();
}
