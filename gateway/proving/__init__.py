"""What is handed out of the log and proves itself: epochs of the index, published files, cosignatures, receipts."""
