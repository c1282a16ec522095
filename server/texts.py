"""The Simplified Chinese words of the server's side; those of the screens are the client's."""

from __future__ import annotations

from typing import Final

CITIZEN: Final = "办事人"

# A new wording is a new version: a consent names the version that was read.
NOTICE_VERSION: Final = "2026-11-2"
# Consents to these wordings are consents to recording too.
RECORDING_NOTICES: Final = frozenset({"2026-11-2"})
NOTICE_TITLE: Final = "跨域办理告知书"
NOTICE_PARAGRAPHS: Final = (
    "您正在本窗口办理跨区域政务服务事项。为办理该事项，本窗口将通过视频与属地经办机构共同核实您的情况，"
    "属地经办机构据此依法决定是否出具证明。",
    "处理的个人信息：您的姓名、身份证件号码、联系电话，您提交的材料及现场拍摄的材料图像，"
    "视频核验的过程记录，以及您的签名。其中身份证件号码等属于敏感个人信息，仅用于核验身份和办理本事项。",
    "录音录像：视频核验的全过程可能被录音录像，开始后各屏幕显示红色录制标志。录音录像加密保存，仅用于证明本次办理过程，"
    "查阅须说明理由并留有记录，期满销毁。",
    "信息提供给谁：本窗口所属政务服务机构和负责本事项的属地经办机构。除法律、行政法规另有规定外，"
    "不提供给其他单位和个人，不用于其他目的。",
    "保存期限：按本事项档案管理规定的最短期限保存，期满删除或作不可识别处理。查阅您信息的每一次操作均有记录。",
    "您的权利：您可以查阅、复制、更正您的个人信息，可以拒绝或者撤回同意。不同意的，本窗口不再以跨区域方式办理，"
    "您仍可前往属地窗口办理。",
    "您应当保证所提交的材料和陈述真实。提供虚假材料或者虚假陈述的，依法承担相应责任。",
    "我已阅读并理解以上内容，同意按上述方式处理我的个人信息并办理本事项。",
)

# Why the service itself gave a ticket up.
COUNTER_LEFT: Final = "窗口无人值守，至下班仍未返回，系统自动取消排队"

# The wording of docs_gen/notices that a refusal is given in; its event keeps which one it was.
REFUSAL_NOTICE: Final = "refusal"
REFUSAL_NOTICE_VERSION: Final = "1"

# What a preview shows where a certificate has its number.
NOT_NUMBERED: Final = "签发后生成"

# What lies beside a certificate's evidence, for whoever opens it without us.
EVIDENCE_README: Final = """本文件夹是一份证明的全套证据。

certificate.pdf  签发时的原文件，含电子签名
certificate.p7s  原文件的国密签名（SM2/SM3，有则附上），不影响证明的结论
register.json    登记簿上的这一行
log.jsonl        办件记录，一行一事，含哈希链；个人信息以密文保存
checks.json      出证前核验了什么、同意了什么、由谁复核，以及在办件记录中的位置
history.json     使用回执、失效通知、副本
trust.json       导出时的信任列表：根证书、签发机构证书、吊销列表（含国密）
status.cose      导出时的状态列表，带签名
evidence.json    以上各文件的 SHA-256

任何人都可以用 docs/verify_evidence.py（只用公开的程序库）自行核对，根证书指纹请另行取得。
能证明的：证明由信任列表中的机构签发且未被改动；其余各文件与证明、与办件记录前后一致，没有单独删改。
不能证明的：办件记录本身没有签名。整份办件记录是否为签发机构所存，
请以 evidence.json 中的 head_hash 向该机构核对。
"""

# In the film of a call: whose picture it is, and why there is none.
SIDE_WORDS: Final = {"local": "窗口", "remote": "属地", "adviser": "会商"}
PAUSED_WORDS: Final = "暂停录制"
PURGED_WORDS: Final = "保存期满，已销毁"
GAP_WORDS: Final = {
    "": "没有录制",
    "call_ended": "通话已结束",
    "worker_lost": "媒体中继断开",
    "leg_lost": "视频连接断开",
    "seat_moved": "视频连接已切换",
    "seat_left": "已离开通话",
    "consent_missing": "当事人未同意录制",
    "silent": "未收到录制内容",
    "unkept": "录制内容没有存下",
    "overflow": "录制内容积压过多",
    "refused": "录制内容没有被接收",
    "broken": "录制程序出错",
}
