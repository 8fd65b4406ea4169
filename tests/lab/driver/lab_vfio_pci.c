// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * A VFIO variant driver for the VFs that QEMU emulates. Not for real devices.
 *
 * It offers live migration to devices that have no state worth moving: what it
 * moves is a block of 4 KiB that says which function saved it, and how often
 * it was saved. Each feature can be switched off, for devices that are bound
 * after that, and the loading of a state can be made to fail.
 *
 * The interfaces are those of linux/vfio.h and linux/vfio_pci_core.h.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/vfio.h>
#include <linux/vfio_pci_core.h>

static bool migration = true;
module_param(migration, bool, 0644);
MODULE_PARM_DESC(migration, "Offer live migration (STOP_COPY)");

static bool p2p = true;
module_param(p2p, bool, 0644);
MODULE_PARM_DESC(p2p, "Offer the peer-to-peer states with it");

static bool dma_logging = true;
module_param(dma_logging, bool, 0644);
MODULE_PARM_DESC(dma_logging, "Offer to log the memory that the device writes");

static bool fail_resume;
module_param(fail_resume, bool, 0644);
MODULE_PARM_DESC(fail_resume, "Refuse each state that is to be loaded");

#define LAB_MAGIC 0x6c61622d7666696fULL
#define LAB_STATE_SIZE 4096

/* What is moved; the rest of the 4 KiB is zero. */
struct lab_state {
	__le64 magic;
	__le16 vendor;
	__le16 device;
	__le32 generation;
	char saved_by[16];
};

/* One save or load: the file descriptor that user space got for it. */
struct lab_transfer {
	struct file *filp;
	struct mutex lock; /* of the fields below */
	size_t length;
	bool disabled;
	u8 data[LAB_STATE_SIZE];
};

struct lab_device {
	struct vfio_pci_core_device core;
	struct mutex state_mutex; /* of the fields below */
	enum vfio_device_mig_state state;
	struct lab_transfer *saving;
	struct lab_transfer *resuming;
	u32 generation;
	spinlock_t reset_lock; /* of deferred_reset */
	bool deferred_reset;
};

static struct lab_device *to_lab(struct vfio_device *vdev)
{
	return container_of(vdev, struct lab_device, core.vdev);
}

/* The files that carry a state */

static int lab_transfer_release(struct inode *inode, struct file *filp)
{
	struct lab_transfer *transfer = filp->private_data;

	mutex_destroy(&transfer->lock);
	kfree(transfer);
	return 0;
}

static ssize_t lab_transfer_read(struct file *filp, char __user *buf,
				 size_t len, loff_t *pos)
{
	struct lab_transfer *transfer = filp->private_data;
	ssize_t done;

	if (pos)
		return -ESPIPE;
	mutex_lock(&transfer->lock);
	if (transfer->disabled)
		done = -ENODEV;
	else
		done = simple_read_from_buffer(buf, len, &filp->f_pos,
					       transfer->data,
					       transfer->length);
	mutex_unlock(&transfer->lock);
	return done;
}

static ssize_t lab_transfer_write(struct file *filp, const char __user *buf,
				  size_t len, loff_t *pos)
{
	struct lab_transfer *transfer = filp->private_data;
	ssize_t done;

	if (pos)
		return -ESPIPE;
	mutex_lock(&transfer->lock);
	if (transfer->disabled) {
		done = -ENODEV;
	} else {
		done = simple_write_to_buffer(transfer->data, LAB_STATE_SIZE,
					      &filp->f_pos, buf, len);
		if (done > 0)
			transfer->length = filp->f_pos;
	}
	mutex_unlock(&transfer->lock);
	return done;
}

static const struct file_operations lab_saving_fops = {
	.owner = THIS_MODULE,
	.read = lab_transfer_read,
	.release = lab_transfer_release,
};

static const struct file_operations lab_resuming_fops = {
	.owner = THIS_MODULE,
	.write = lab_transfer_write,
	.release = lab_transfer_release,
};

/* Return a transfer of which both the device and the caller hold the file. */
static struct lab_transfer *lab_transfer_open(const struct file_operations *fops,
					      int flags)
{
	struct lab_transfer *transfer;
	struct file *filp;

	transfer = kzalloc(sizeof(*transfer), GFP_KERNEL_ACCOUNT);
	if (!transfer)
		return ERR_PTR(-ENOMEM);
	mutex_init(&transfer->lock);
	filp = anon_inode_getfile("lab_vfio_migration", fops, transfer, flags);
	if (IS_ERR(filp)) {
		mutex_destroy(&transfer->lock);
		kfree(transfer);
		return ERR_CAST(filp);
	}
	stream_open(filp->f_inode, filp);
	transfer->filp = filp;
	get_file(filp);
	return transfer;
}

/* User space may keep its descriptor; it is of no use from here on. */
static void lab_transfer_end(struct lab_transfer **transfer)
{
	if (!*transfer)
		return;
	mutex_lock(&(*transfer)->lock);
	(*transfer)->disabled = true;
	mutex_unlock(&(*transfer)->lock);
	fput((*transfer)->filp);
	*transfer = NULL;
}

/* The states of a migration */

static struct file *lab_begin_saving(struct lab_device *lab)
{
	struct pci_dev *pdev = lab->core.pdev;
	struct lab_transfer *transfer;
	struct lab_state *state;

	transfer = lab_transfer_open(&lab_saving_fops, O_RDONLY);
	if (IS_ERR(transfer))
		return ERR_CAST(transfer);
	state = (struct lab_state *)transfer->data;
	state->magic = cpu_to_le64(LAB_MAGIC);
	state->vendor = cpu_to_le16(pdev->vendor);
	state->device = cpu_to_le16(pdev->device);
	state->generation = cpu_to_le32(lab->generation + 1);
	strscpy(state->saved_by, pci_name(pdev));
	transfer->length = LAB_STATE_SIZE;
	lab->saving = transfer;
	return transfer->filp;
}

static struct file *lab_begin_resuming(struct lab_device *lab)
{
	struct lab_transfer *transfer;

	transfer = lab_transfer_open(&lab_resuming_fops, O_WRONLY);
	if (IS_ERR(transfer))
		return ERR_CAST(transfer);
	lab->resuming = transfer;
	return transfer->filp;
}

static int lab_load(struct lab_device *lab)
{
	struct lab_state *state = (struct lab_state *)lab->resuming->data;
	struct pci_dev *pdev = lab->core.pdev;

	if (fail_resume) {
		pci_info(pdev, "state refused, as fail_resume says\n");
		return -EINVAL;
	}
	if (lab->resuming->length != LAB_STATE_SIZE ||
	    le64_to_cpu(state->magic) != LAB_MAGIC ||
	    le16_to_cpu(state->vendor) != pdev->vendor ||
	    le16_to_cpu(state->device) != pdev->device)
		return -EINVAL;
	lab->generation = le32_to_cpu(state->generation);
	state->saved_by[sizeof(state->saved_by) - 1] = '\0';
	pci_info(pdev, "state loaded: generation %u, saved by %s\n",
		 lab->generation, state->saved_by);
	return 0;
}

/* One step between two states; returns a file if user space gets one. */
static struct file *lab_step(struct lab_device *lab,
			     enum vfio_device_mig_state new)
{
	int ret;

	if (lab->state == VFIO_DEVICE_STATE_STOP &&
	    new == VFIO_DEVICE_STATE_STOP_COPY)
		return lab_begin_saving(lab);
	if (lab->state == VFIO_DEVICE_STATE_STOP_COPY) {
		lab_transfer_end(&lab->saving);
		return NULL;
	}
	if (lab->state == VFIO_DEVICE_STATE_STOP &&
	    new == VFIO_DEVICE_STATE_RESUMING)
		return lab_begin_resuming(lab);
	if (lab->state == VFIO_DEVICE_STATE_RESUMING) {
		ret = lab_load(lab);
		if (ret)
			return ERR_PTR(ret);
		lab_transfer_end(&lab->resuming);
	}
	/* An emulated VF needs nothing to run, or to stand still. */
	return NULL;
}

static void lab_forget_migration(struct lab_device *lab)
{
	lab_transfer_end(&lab->saving);
	lab_transfer_end(&lab->resuming);
	lab->state = VFIO_DEVICE_STATE_RUNNING;
}

/* A reset may come while the state is locked: whoever unlocks it carries it out. */
static void lab_unlock_state(struct lab_device *lab)
{
again:
	spin_lock(&lab->reset_lock);
	if (lab->deferred_reset) {
		lab->deferred_reset = false;
		spin_unlock(&lab->reset_lock);
		lab_forget_migration(lab);
		goto again;
	}
	mutex_unlock(&lab->state_mutex);
	spin_unlock(&lab->reset_lock);
}

static struct file *lab_set_state(struct vfio_device *vdev,
				  enum vfio_device_mig_state new)
{
	struct lab_device *lab = to_lab(vdev);
	enum vfio_device_mig_state next;
	struct file *filp = NULL;
	int ret;

	mutex_lock(&lab->state_mutex);
	while (new != lab->state) {
		ret = vfio_mig_get_next_state(vdev, lab->state, new, &next);
		if (ret) {
			filp = ERR_PTR(ret);
			break;
		}
		filp = lab_step(lab, next);
		if (IS_ERR(filp))
			break;
		lab->state = next;
		if (WARN_ON(filp && new != lab->state)) {
			fput(filp);
			filp = ERR_PTR(-EINVAL);
			break;
		}
	}
	lab_unlock_state(lab);
	return filp;
}

static int lab_get_state(struct vfio_device *vdev,
			 enum vfio_device_mig_state *state)
{
	struct lab_device *lab = to_lab(vdev);

	mutex_lock(&lab->state_mutex);
	*state = lab->state;
	lab_unlock_state(lab);
	return 0;
}

static int lab_get_data_size(struct vfio_device *vdev, unsigned long *length)
{
	*length = LAB_STATE_SIZE;
	return 0;
}

static const struct vfio_migration_ops lab_migration_ops = {
	.migration_set_state = lab_set_state,
	.migration_get_state = lab_get_state,
	.migration_get_data_size = lab_get_data_size,
};

/* The log: in the lab no guest drives its VF, so that no VF writes memory. */

static int lab_log_start(struct vfio_device *vdev, struct rb_root_cached *ranges,
			 u32 nnodes, u64 *page_size)
{
	return 0;
}

static int lab_log_stop(struct vfio_device *vdev)
{
	return 0;
}

static int lab_log_read_and_clear(struct vfio_device *vdev, unsigned long iova,
				  unsigned long length,
				  struct iova_bitmap *dirty)
{
	return 0;
}

static const struct vfio_log_ops lab_log_ops = {
	.log_start = lab_log_start,
	.log_stop = lab_log_stop,
	.log_read_and_clear = lab_log_read_and_clear,
};

/* The device */

static int lab_init_device(struct vfio_device *vdev)
{
	struct lab_device *lab = to_lab(vdev);

	mutex_init(&lab->state_mutex);
	spin_lock_init(&lab->reset_lock);
	if (migration) {
		vdev->migration_flags = VFIO_MIGRATION_STOP_COPY;
		if (p2p)
			vdev->migration_flags |= VFIO_MIGRATION_P2P;
		vdev->mig_ops = &lab_migration_ops;
	}
	if (dma_logging)
		vdev->log_ops = &lab_log_ops;
	return vfio_pci_core_init_dev(vdev);
}

static void lab_release_device(struct vfio_device *vdev)
{
	mutex_destroy(&to_lab(vdev)->state_mutex);
	vfio_pci_core_release_dev(vdev);
}

static int lab_open_device(struct vfio_device *vdev)
{
	struct lab_device *lab = to_lab(vdev);
	int ret;

	ret = vfio_pci_core_enable(&lab->core);
	if (ret)
		return ret;
	lab->state = VFIO_DEVICE_STATE_RUNNING;
	lab->generation = 0;
	vfio_pci_core_finish_enable(&lab->core);
	return 0;
}

static void lab_close_device(struct vfio_device *vdev)
{
	struct lab_device *lab = to_lab(vdev);

	mutex_lock(&lab->state_mutex);
	lab_forget_migration(lab);
	lab_unlock_state(lab);
	vfio_pci_core_close_device(vdev);
}

static const struct vfio_device_ops lab_device_ops = {
	.name = KBUILD_MODNAME,
	.init = lab_init_device,
	.release = lab_release_device,
	.open_device = lab_open_device,
	.close_device = lab_close_device,
	.ioctl = vfio_pci_core_ioctl,
	.device_feature = vfio_pci_core_ioctl_feature,
	.read = vfio_pci_core_read,
	.write = vfio_pci_core_write,
	.mmap = vfio_pci_core_mmap,
	.request = vfio_pci_core_request,
	.match = vfio_pci_core_match,
	/* NULL where the kernel has no iommufd */
	.bind_iommufd = vfio_iommufd_physical_bind,
	.unbind_iommufd = vfio_iommufd_physical_unbind,
	.attach_ioas = vfio_iommufd_physical_attach_ioas,
	.detach_ioas = vfio_iommufd_physical_detach_ioas,
};

static int lab_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct lab_device *lab;
	int ret;

	lab = vfio_alloc_device(lab_device, core.vdev, &pdev->dev,
				&lab_device_ops);
	if (IS_ERR(lab))
		return PTR_ERR(lab);
	dev_set_drvdata(&pdev->dev, &lab->core);
	ret = vfio_pci_core_register_device(&lab->core);
	if (ret)
		vfio_put_device(&lab->core.vdev);
	return ret;
}

static void lab_remove(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = dev_get_drvdata(&pdev->dev);

	vfio_pci_core_unregister_device(core);
	vfio_put_device(&core->vdev);
}

static void lab_reset_done(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = dev_get_drvdata(&pdev->dev);
	struct lab_device *lab = container_of(core, struct lab_device, core);

	spin_lock(&lab->reset_lock);
	lab->deferred_reset = true;
	if (!mutex_trylock(&lab->state_mutex)) {
		spin_unlock(&lab->reset_lock);
		return;
	}
	spin_unlock(&lab->reset_lock);
	lab_unlock_state(lab);
}

static const struct pci_error_handlers lab_error_handlers = {
	.reset_done = lab_reset_done,
	.error_detected = vfio_pci_core_aer_err_detected,
};

static const struct pci_device_id lab_ids[] = {
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_VENDOR_ID_INTEL, 0x10ca) }, /* VF of igb */
	{}
};
MODULE_DEVICE_TABLE(pci, lab_ids);

static struct pci_driver lab_driver = {
	.name = KBUILD_MODNAME,
	.id_table = lab_ids,
	.probe = lab_probe,
	.remove = lab_remove,
	.err_handler = &lab_error_handlers,
	.driver_managed_dma = true,
};
module_pci_driver(lab_driver);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("VFIO variant driver with live migration for emulated VFs");
