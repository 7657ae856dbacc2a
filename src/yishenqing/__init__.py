"""依申请 (yishenqing): the engine for applications for disclosure of government information."""
