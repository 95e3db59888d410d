export const fields=()=>[];export const connectionForm=()=>"";export const profileForm=()=>"";
