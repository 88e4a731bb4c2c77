/** Shows a disk to other programs by the Network Block Device protocol. */
package sharevm.disk.nbd;
