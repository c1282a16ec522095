/** Chinese words for every refusal: what happened, that the case is unchanged, what to do next. */
import { ApiError } from "../api/errors";

interface Words {
  /** What happened, short enough to stand beside a field. */
  what: string;
  /** What to do next. */
  next: string;
  /** Nothing is said of the case: none could have been touched, or it is not known whether it was. */
  apart?: true;
}

const UNCHANGED = "办件没有改变";

const web: Record<string, Words> = {
  "body.malformed": { what: "提交的内容无法识别", next: "请刷新页面后重新提交" },
  "body.invalid": { what: "提交的内容不符合要求", next: "请检查填写的内容后重新提交" },
  "body.too_large": { what: "提交的内容过大", next: "请缩减内容或压缩文件后重新提交" },
  "body.too_slow": { what: "上传太慢，已中止", next: "请检查网络后重新上传" },
  "body.length_missing": { what: "上传的文件没有标明大小", next: "请重新选择文件后上传" },
  "query.invalid": { what: "查询条件不符合要求", next: "请刷新页面后重新查询" },
  "route.unknown": { what: "没有找到要的内容", next: "请检查网址，或刷新页面后重试" },
  "range.unsatisfiable": { what: "没有这一段内容", next: "请刷新页面后重试" },
  "method.wrong": { what: "这项操作的方式不对", next: "请刷新页面后重试" },
  "origin.foreign": { what: "当前网址不是本系统认可的地址", next: "请从本单位公布的网址重新进入" },
  "server.broken": { what: "系统出现故障，这一步没有完成", next: "请稍后重试；仍不成功请联系管理员" },
  "server.busy": { what: "系统正忙，这一步没有完成", next: "请稍等片刻后重试" },
  "rate.exceeded": { what: "操作过于频繁", next: "请稍等一分钟后重试" },
  "idempotency_key.missing": { what: "提交缺少防重复标记", next: "请刷新页面后重新提交" },
  "idempotency_key.malformed": { what: "提交的防重复标记有误", next: "请刷新页面后重新提交" },
  "idempotency_key.reused": { what: "同一次提交的内容前后不一致", next: "请刷新页面，核对后重新提交" },
  "clock.behind": { what: "服务器时间有误，暂停办理", next: "请联系管理员校准时间后重试" },
  "network.lost": { what: "网络不通，没有收到答复", next: "请检查网络后再按一次，不会重复办理", apart: true },
  "answer.unreadable": { what: "收到的答复无法识别", next: "请稍后重试；仍不成功请联系管理员", apart: true },
};

const signIn: Record<string, Words> = {
  "login.missing": { what: "还没有登录", next: "请先登录", apart: true },
  "login.expired": { what: "登录已失效", next: "请重新登录，已保存的内容都在" },
  "login.refused": { what: "用户名或密码不对", next: "请核对后重新输入", apart: true },
  "login.locked": {
    what: "连续输错次数过多，账号暂时锁定",
    next: "请十五分钟后再试，或联系管理员",
    apart: true,
  },
  "action.forbidden": { what: "您的岗位不能做这项操作", next: "如确有需要请联系值班长" },
  "password.weak": { what: "密码过于简单", next: "请换一个更长、更难猜的密码", apart: true },
  "staff.unknown": { what: "没有这个账号", next: "请核对用户名", apart: true },
  "staff.taken": { what: "这个用户名已有人使用", next: "请换一个用户名", apart: true },
  "event.unknown": { what: "页面与服务器的版本不一致", next: "请刷新页面" },
  "event.invalid": { what: "发送的消息不符合要求", next: "请刷新页面后重试" },
  "frame.malformed": { what: "连接因收到无法识别的内容而关闭", next: "请刷新页面；仍不成功请联系管理员" },
  "frame.too_large": { what: "连接因一次发送的内容过大而关闭", next: "请刷新页面；仍不成功请联系管理员" },
  "namespace.unknown": { what: "页面与服务器的版本不一致，连接已关闭", next: "请刷新页面" },
  "join.missing": { what: "网络太慢，连接没有按时建立", next: "请检查网络，稍后会自动重连" },
  "join.repeated": { what: "连接重复建立，已关闭", next: "请刷新页面" },
};

const values: Record<string, Words> = {
  "id_number.malformed": { what: "身份证号码应为18位，末位可以是X", next: "请对照证件重新输入" },
  "id_number.bad_check_digit": {
    what: "身份证号码校验位不对，至少有一位输错了",
    next: "请对照证件逐位核对",
  },
  "id_number.bad_date": { what: "身份证号码中的出生日期不存在", next: "请对照证件第7至14位核对" },
  "credit_code.malformed": { what: "统一社会信用代码应为18位", next: "请对照营业执照重新输入" },
  "credit_code.bad_check_digit": {
    what: "统一社会信用代码校验位不对，至少有一位输错了",
    next: "请对照营业执照逐位核对",
  },
  "phone.malformed": { what: "电话号码格式不对", next: "请输入11位手机号码，或带区号的固定电话" },
  "date.malformed": { what: "日期格式不对", next: "请按“2026-01-31”的样式输入" },
  "date.impossible": { what: "没有这一天", next: "请核对年月日" },
  "date.out_of_range": { what: "日期超出允许的范围", next: "请核对年月日" },
  "money.malformed": { what: "金额格式不对", next: "请只输入数字，小数不超过两位" },
  "money.out_of_range": { what: "金额超出允许的范围", next: "请核对金额" },
  "number.malformed": { what: "应为整数", next: "请只输入数字" },
  "number.out_of_range": { what: "数值超出允许的范围", next: "请核对数值" },
  "choice.unknown": { what: "不在可选的范围内", next: "请从列表中选择" },
  "text.empty": { what: "不能为空", next: "请填写后再保存" },
  "text.too_long": { what: "内容过长", next: "请缩短后再保存" },
  "table.too_long": { what: "表格的行数超过上限", next: "请删减后再保存" },
  "table.uneven": { what: "表格这一行的格数不对", next: "请核对有没有缺少或多出一列" },
  "text.bad_characters": { what: "含有不能使用的字符", next: "请删去特殊符号或换行后再保存" },
};

const cases: Record<string, Words> = {
  "region.unknown": { what: "没有这个地区", next: "请从列表中重新选择" },
  "hall.unknown": { what: "没有这个大厅", next: "请从列表中重新选择" },
  "hall.closed": { what: "属地大厅现在不在办公时间", next: "办件已保存，请在大厅开门后再取号" },
  "counter.unknown": { what: "账号没有对应的窗口", next: "请联系管理员设置窗口" },
  "item.unknown": { what: "没有这个事项", next: "请从列表中重新选择" },
  "case.unknown": { what: "没有找到这个办件", next: "请核对办件编号，或返回列表重新打开" },
  "case.wrong_state": { what: "办件现在的状态不能做这一步", next: "请看办件的最新状态后再操作" },
  "case.incomplete": { what: "还有必填项没有填写", next: "请补全申请信息后再试" },
  "jurisdiction.own": { what: "属地就是本地，不需要跨域办理", next: "请选择其他地区，或按本地业务办理" },
  "field.unknown": { what: "这个事项没有这一项", next: "请刷新页面" },
  "field.stale": { what: "对方刚刚改过这一项", next: "请从两个内容中选定一个" },
  "material.unknown": { what: "没有找到这份材料", next: "请刷新页面后重试" },
  "materials.missing": { what: "必需的材料还没有齐", next: "请在“材料”中补齐后再呼叫" },
  "material.too_large": { what: "文件超过20 MB", next: "请压缩或分开后重新上传" },
  "material.too_many_pixels": { what: "图片尺寸过大", next: "请降低扫描分辨率后重新上传" },
  "material.wrong_type": { what: "只能上传 JPG、PNG 图片或 PDF", next: "请转换格式后重新上传" },
  "material.unreadable": { what: "文件已损坏或无法打开", next: "请重新拍摄或换一份文件上传" },
  "material.missing": { what: "没有选定作为依据的材料", next: "请选择至少一份材料" },
  "consent.missing": { what: "群众还没有同意告知书", next: "请先请群众在对客屏上阅读并签字" },
  "checks.missing": { what: "还没有通过的身份核验", next: "请先在“核验”中记录身份核验" },
  "refusal.unknown": { what: "这个办件没有不予办理告知书", next: "请看办件的最新状态" },
  "promise.forbidden": { what: "这个事项不适用告知承诺", next: "请改用其他办理方式" },
};

const calls: Record<string, Words> = {
  "seat.missing": { what: "您不在这次通话中", next: "请先接听或进入通话" },
  "seat.taken": { what: "您的席位正在另一处通话中", next: "请先结束那里的通话" },
  "ticket.unknown": { what: "没有这个排队号", next: "请刷新页面" },
  "ticket.gone": { what: "这个排队号已经结束", next: "请看办件的最新状态" },
  "offer.unknown": { what: "没有这个来件", next: "请等待下一个来件" },
  "offer.gone": { what: "这个来件已被接走或已过时", next: "请等待下一个来件" },
  "agent.busy": { what: "您正在处理另一个办件", next: "请先结束手上的通话" },
  "call.unknown": { what: "没有找到这次通话", next: "请返回办件重新查看" },
  "call.over": { what: "通话已经结束", next: "如需继续请重新呼叫" },
  "call.full": { what: "通话的席位已满", next: "请等有人离席后再试" },
  "seat.unknown": { what: "这位参加人已经离席", next: "请看通话的最新状态" },
  "colleague.unknown": { what: "这位同事不属于办件两地", next: "请从列表中选择" },
  "colleague.busy": { what: "这位同事正在忙", next: "请邀请其他就绪的同事" },
  "invitation.unknown": { what: "没有这个会商邀请", next: "请刷新页面后重试" },
  "invitation.gone": { what: "这个会商邀请已撤回或已过时", next: "请等待新的邀请" },
  "agent.without_authority": {
    what: "属地人员目前无权办理本办件，没有签发",
    next: "请看画面上的核验提示，由有权限的属地人员重新接听后签发",
  },
  "call.interrupted": { what: "线路还没有恢复", next: "请等画面恢复后再确认" },
  "person.unconfirmed": {
    what: "线路中断过，窗口还没有确认是否仍是本人",
    next: "请窗口人员看清办事人后按“确认仍是本人”，再签发",
  },
  "person.confirmed": { what: "已经确认过是本人", next: "可以继续办理" },
  "leg.unknown": { what: "视频连接已经断开", next: "系统会自动重新连接" },
  "leg.busy": { what: "正在通话，不能测试网络", next: "请在通话结束后再测试" },
  "leg.elsewhere": { what: "视频连接不在本次通话的线路上", next: "系统会自动重新连接" },
  "recording.unknown": { what: "没有找到这段录音录像", next: "请刷新页面后重试" },
  "recording.missing": { what: "本事项要求全程录音录像，当前录制不完整", next: "请恢复录制后再签发" },
  "recording.purged": { what: "这段录音录像已到保存期限，已经销毁", next: "请查看办件记录", apart: true },
  "recording.altered": { what: "这段录音录像与留痕不符，不能播放", next: "请联系管理员核查存储", apart: true },
  "viewing.unknown": { what: "没有打开过这段录音录像", next: "请重新说明理由后打开", apart: true },
  "viewing.expired": { what: "本次查阅已超过时限", next: "请重新说明理由后打开", apart: true },
  "call.live": { what: "通话还在进行", next: "请在通话结束后再做这一步" },
  "export.unknown": { what: "没有找到这次导出", next: "请刷新页面后重新导出", apart: true },
  "export.unready": { what: "文件还没有合成好", next: "请等进度走完后再下载", apart: true },
  "export.over": { what: "这次导出已经结束，文件不再保留", next: "请重新导出", apart: true },
  "export.altered": { what: "导出的文件与合成时不符，不能下载", next: "请重新导出，并联系管理员核查存储", apart: true },
  "export.broken": { what: "合成程序出错，没有导出", next: "请重试；仍不成功请联系管理员", apart: true },
  "export.interrupted": { what: "合成多次被中断，没有导出", next: "请稍后重试", apart: true },
  "disk.full": { what: "服务器磁盘空间不足，未能开始导出", next: "请联系管理员", apart: true },
  "recording.unavailable": { what: "当前通话没有经过媒体中继，无法录制", next: "请联系管理员检查媒体中继" },
  "chunk.altered": { what: "录制内容与其校验值不符", next: "请联系管理员检查媒体中继" },
  "chunk.taken": { what: "同一段录制内容前后不一致", next: "请联系管理员检查媒体中继" },
  "worker.full": { what: "视频线路已满", next: "请稍候再试" },
  "signal.invalid": { what: "视频连接没有协商成功", next: "请结束通话后重新呼叫" },
  "still.unknown": { what: "没有找到这次拍摄", next: "请重新拍摄" },
  "still.gone": { what: "这次拍摄已过时", next: "请重新按“拍摄留存”" },
};

const certificates: Record<string, Words> = {
  "certificate.unknown": { what: "没有找到这份证明", next: "请核对编号后重试" },
  "certificate.unrecognised": { what: "本地不认可这个属地的此类证明", next: "请选择其他属地，或请群众按本地业务办理" },
  "certificate.exists": { what: "这个办件已有同类的有效证明", next: "请查看已签发的证明；需要重开请先作废" },
  "certificate.kind_unknown": { what: "属地不能签发这种证明", next: "请重新选择证明种类" },
  "certificate.unprintable": { what: "内容中有字库没有的字", next: "请核对生僻字，或联系管理员补充字库" },
  "certificate.not_released": { what: "证明还在签发中", next: "请稍等几秒后重试" },
  "seal.changed": { what: "签发机关刚刚更换了印章，没有签发", next: "请再按一次，将以现在的印章签发，编号不变" },
  "certificate.altered": { what: "存档的证明文件与签发时不一致", next: "请不要使用，并立即联系管理员", apart: true },
  "certificate.revoked": { what: "这份证明已经作废", next: "请不要再使用；需要时请属地重新签发" },
  "certificate.unchanged": { what: "更正后的内容与原证明一致", next: "请改正有误的内容后再签发" },
  "revocation.unknown": { what: "没有找到这个作废申请", next: "请刷新页面后重试" },
  "revocation.pending": { what: "这份证明已申请作废，正在等待复核", next: "请在复核有结果之前不要据此办理" },
  "revocation.gone": { what: "这个作废申请已有结果或已撤回", next: "请看证明的最新状态" },
  "revocation.own": { what: "不能复核自己提出的作废申请", next: "请由另一位同事或值班长复核" },
  "trust_list.unknown": { what: "本系统还没有发布信任名单", next: "请联系管理员", apart: true },
  "review.unknown": { what: "没有找到这次复核", next: "请刷新页面后重试" },
  "review.needed": { what: "签发前须由另一位同事或值班长复核", next: "请提请复核；内容改动过或已过时限的，请重新提请" },
  "review.pending": { what: "已提请复核，还没有结果", next: "请等复核通过后再签发" },
  "review.unneeded": { what: "现在不需要复核", next: "可以直接签发" },
  "review.stale": { what: "提请复核后，办件内容或材料已变动", next: "请由提请人重新提请复核" },
  "review.gone": { what: "这次复核已有结果或已撤回", next: "请看办件的最新状态" },
  "review.unread": { what: "还没有打开过这次复核的内容", next: "请先打开复核内容看过，再看证明预览或同意签发" },
  "review.own": { what: "不能复核自己提请的内容", next: "请由另一位同事或值班长复核" },
  "detached_signature.unknown": { what: "这份证明没有国密签名", next: "刚签发的请稍后再试；证明本身不受影响" },
  "status_list.unknown": { what: "没有这个机构这一年的证明状态清单", next: "请核对机构代码和年份" },
  "recall.unknown": { what: "没有找到这条待确认的通知", next: "请刷新页面后重试" },
  "recall.gone": { what: "这条通知已经确认过", next: "请看证明的最新状态" },
  "signer.unavailable": { what: "签章服务暂时不可用，没有签发", next: "请稍后再按一次，不会重复签发" },
  "settlement.exists": { what: "这个办件已经办结", next: "请查看办结记录" },
};

const citizens: Record<string, Words> = {
  "pickup.unknown": { what: "领取链接已失效或已用过", next: "请到窗口让工作人员重新出示二维码" },
  "pairing.unknown": { what: "配对码不对或已过时", next: "请看对客屏上的最新六位数字后重新输入" },
  "notice.stale": { what: "告知书已有新的版本", next: "请重新阅读后再确认" },
  "signature.unreadable": { what: "签名没有写好", next: "请清除后重新签名" },
  "rating.given": { what: "已经评价过了", next: "谢谢您的评价，无需再评" },
};

/** Every code that has words; a test compares it with the service's list. */
export const WORDS: Readonly<Record<string, Words>> = {
  ...web,
  ...signIn,
  ...values,
  ...cases,
  ...calls,
  ...certificates,
  ...citizens,
};

const UNEXPECTED: Words = { what: "发生未知错误", next: "请刷新页面后重试；仍不成功请联系管理员" };

function wordsOf(error: unknown): Words {
  return (error instanceof ApiError ? WORDS[error.code] : undefined) ?? UNEXPECTED;
}

/** Say in full what happened, that the case is unchanged, and what to do next. */
export function explain(error: unknown): string {
  const { what, next, apart } = wordsOf(error);
  return apart ? `${what}。${next}。` : `${what}。${UNCHANGED}，${next}。`;
}

/** Say what happened and what to do next where no case is at stake: signing in, verifying, pairing a screen. */
export function explainApart(error: unknown): string {
  const { what, next } = wordsOf(error);
  return `${what}。${next}。`;
}

/** Where in a table a refused cell stands. */
function placeOf(error: unknown): string {
  const { row, column } = error instanceof ApiError ? error.details : {};
  if (typeof row !== "number") return "";
  return typeof column === "string" ? `第${row}行“${column}”：` : `第${row}行：`;
}

/** Say what happened in a few words, for beside a field. */
export function shortWords(error: unknown): string {
  const { what, next } = wordsOf(error);
  return `${placeOf(error)}${what}，${next}`;
}
